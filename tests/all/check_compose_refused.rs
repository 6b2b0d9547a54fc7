//! What Docker Compose refuses is not checked, with its line; what it takes is no fault.

use crate::check_compose::{Deployment, REFERENCE};
use crate::check_compose_files::{check, gaps};
use crate::side_by_side::each;

/// Lines that a service is given, and what is said; nothing where Compose takes them.
const SERVICE: &[(&str, Option<&str>)] = &[
    // Keys below keys.
    (
        "deploy: {resources: {limits: {cpu: 1}}}",
        Some("services.k-indexer.deploy.resources.limits.cpu is no key"),
    ),
    (
        "deploy: {resources: {reservations: {devices: [{capabilties: [gpu]}]}}}",
        Some("deploy.resources.reservations.devices.capabilties is no key"),
    ),
    (
        "deploy: {placement: {constraint: [a]}}",
        Some("deploy.placement.constraint is no key"),
    ),
    (
        "deploy: {restart_policy: {conditon: any}}",
        Some("did you mean condition?"),
    ),
    (
        "deploy: {update_config: {paralelism: 1}}",
        Some("did you mean parallelism?"),
    ),
    (
        "develop: {watch: [{path: ., action: rebuild, targt: /x}]}",
        Some("develop.watch.targt is no key"),
    ),
    (
        "devices: [{source: /dev/a, permission: r}]",
        Some("devices.permission is no key"),
    ),
    (
        "ulimits: {nofile: {soft: 1, hrd: 2}}",
        Some("ulimits.nofile.hrd is no key"),
    ),
    (
        "blkio_config: {weight_device: [{pth: /dev/a, weight: 1}]}",
        Some("blkio_config.weight_device.pth is no key"),
    ),
    (
        "credential_spec: {fil: a}",
        Some("credential_spec.fil is no key"),
    ),
    (
        "volumes: [{type: bind, source: ., target: /x, bind: {propagaton: shared}}]",
        Some("volumes.bind.propagaton is no key"),
    ),
    (
        "volumes: [{type: tmpfs, target: /x, tmpfs: {sise: 1}}]",
        Some("volumes.tmpfs.sise is no key"),
    ),
    (
        "volumes: [{type: volume, source: kasia-data, target: /x, volume: {no_copy: true}}]",
        Some("did you mean nocopy?"),
    ),
    (
        "build: {context: ., ulimits: {nofile: {sof: 1, hard: 2}}}",
        Some("build.ulimits.nofile.sof is no key"),
    ),
    (
        "post_start: [{comand: a}]",
        Some("post_start.comand is no key"),
    ),
    (
        "extends: {service: dashboard, fil: a}",
        Some("extends.fil is no key"),
    ),
    // Values.
    (
        "depends_on: {k-social-db: {condition: service_healty}}",
        Some(
            "services.k-indexer.depends_on.k-social-db has a condition that is none of service_completed_successfully, service_healthy, service_started; did you mean service_healthy?",
        ),
    ),
    (
        "network_mode: host",
        Some("has both network_mode and networks"),
    ),
    (
        "scale: 2",
        Some("runs more than once, and a container_name is for one container"),
    ),
    ("deploy: {replicas: 3}", Some("runs more than once")),
    (
        "healthcheck: {test: [curl, localhost]}",
        Some("healthcheck.test begins with none of CMD, CMD-SHELL, NONE"),
    ),
    // Names that are declared nowhere.
    (
        "pid: service:nobody",
        Some("service nobody, which k-indexer uses, is not declared"),
    ),
    (
        "ipc: service:nobody",
        Some("service nobody, which k-indexer uses, is not declared"),
    ),
    (
        "build: {context: ., secrets: [nothing]}",
        Some("secret nothing, which k-indexer uses, is not declared"),
    ),
    (
        "models: [llm]",
        Some("model llm, which k-indexer uses, is not declared"),
    ),
    (
        "models: {llm: {endpoint_var: A}}",
        Some("model llm, which k-indexer uses, is not declared"),
    ),
    // What Compose takes.
    (
        "deploy: {resources: {limits: {cpus: '1', memory: 1g, pids: 9}, reservations: {devices: [{driver: nvidia, count: 1, capabilities: [gpu], options: {a: b}}]}}}",
        None,
    ),
    (
        "deploy: {replicas: 1, placement: {preferences: [{spread: a}], max_replicas_per_node: 1}, x-mine: {a: b}}",
        None,
    ),
    (
        "develop: {watch: [{path: ., action: sync+exec, target: /x, ignore: [a], exec: {command: a}}]}",
        None,
    ),
    (
        "devices: ['/dev/a:/dev/a', {source: /dev/a, target: /dev/b, permissions: r}]",
        None,
    ),
    ("gpus: [{driver: nvidia, anything: 1}]", None),
    ("gpus: all", None),
    ("ulimits: {nproc: 1, nofile: {soft: 1, hard: 2}}", None),
    (
        "blkio_config: {weight: 1, device_read_bps: [{path: /dev/a, rate: 1mb}]}",
        None,
    ),
    ("credential_spec: {config: a}", None),
    (
        "volumes: [{type: bind, source: ., target: /x, bind: {propagation: shared, create_host_path: true, selinux: z, recursive: enabled}}, {type: tmpfs, target: /y, tmpfs: {size: 1, mode: 1}}, {type: image, source: a, target: /z, image: {subpath: b}}]",
        None,
    ),
    (
        "depends_on: {k-social-db: {condition: service_healthy, restart: true, required: false}}",
        None,
    ),
    ("depends_on: [k-social-db]", None),
    (
        "depends_on: {k-social-db: {condition: '${CONDITION:?}'}}",
        None,
    ),
    ("scale: 1", None),
    ("healthcheck: {test: curl localhost}", None),
    ("healthcheck: {test: [CMD-SHELL, curl localhost]}", None),
    ("pid: service:dashboard", None),
    ("pid: host", None),
    ("logging: {driver: a, options: {any: b}}", None),
    ("build: {context: ., args: {ANY: b}, secrets: [pw]}", None),
    ("extra_hosts: {any.example: 10.0.0.1}", None),
    ("sysctls: {net.core.somaxconn: 1}", None),
    ("labels: {any: b}", None),
    ("storage_opt: {size: 1G}", None),
    ("annotations: {any: b}", None),
    ("provider: {type: a, options: {any: b}}", None),
    ("models: {known: {endpoint_var: A, model_var: B}}", None),
];

#[test]
fn what_compose_refuses_of_a_service() {
    each(SERVICE, |(line, expected)| {
        let name = "    container_name: k-indexer\n";
        assert!(REFERENCE.contains(name));
        let key = line.split(':').next().unwrap();
        let text = REFERENCE.replace(name, &format!("{name}    {line}\n"));
        let (before, own) = text.split_once("  k-indexer:\n").unwrap();
        let (own, after) = own.split_once("\n\n").unwrap();
        // Of two lines for one key the new one stays.
        let own = without(own, key, line);
        let compose = format!(
            "{before}  k-indexer:\n{own}\n\n{after}secrets: {{pw: {{environment: PW}}}}\nmodels: {{known: {{model: a}}}}\n"
        );
        judged(&compose, line, *expected);
    });
}

/// Takes the lines of a key out of a service, but for one.
fn without(service: &str, key: &str, but: &str) -> String {
    let mut keeps = true;
    let kept = service.lines().filter(|line| {
        let is_key = line.starts_with("    ") && !line.starts_with("     ");
        if is_key {
            keeps = !line.trim_start().starts_with(&format!("{key}:")) || line.trim() == but;
        }
        keeps
    });
    kept.collect::<Vec<_>>().join("\n")
}

fn judged(compose: &str, case: &str, expected: Option<&str>) {
    let run = check(&Deployment::new(compose), &[]);
    assert!(run.code != 3, "{case}: {}\n{compose}", run.err);
    let gaps = gaps(&run);
    let refused: Vec<&String> = gaps
        .iter()
        .filter(|gap| gap.starts_with("Docker Compose refuses compose.yaml:"))
        .collect();
    match (expected, refused.as_slice()) {
        (None, []) => {}
        (Some(expected), [only]) => assert!(only.contains(expected), "{case}: {only}"),
        _ => panic!("{case}: {gaps:#?}"),
    }
}

/// The whole file: what is replaced, by what, and what is said.
const FILE: &[(&str, &str, Option<&str>)] = &[
    (
        "    image: example/dashboard:2.0.0\n",
        "",
        Some("services.dashboard has neither an image nor a build"),
    ),
    (
        "    image: example/dashboard:2.0.0\n",
        "    build: .\n",
        None,
    ),
    (
        "    image: example/dashboard:2.0.0\n",
        "    image: ${DASHBOARD:?}\n",
        None,
    ),
    (
        "    image: example/dashboard:2.0.0\n",
        "    provider: {type: a}\n",
        None,
    ),
    // It is there for others to extend.
    (
        "    image: example/dashboard:2.0.0\n",
        "    profiles: [never]\n",
        None,
    ),
    (
        "    container_name: k-indexer\n",
        "    container_name: k-social-db\n",
        Some("k-indexer has the container_name that k-social-db has"),
    ),
    (
        "    image: example/dashboard:2.0.0\n",
        "    image: example/dashboard:2.0.0\n    depends_on: [other]\n  other:\n    image: a\n    links: [dashboard]\n",
        Some("services wait for each other: dashboard -> other -> dashboard"),
    ),
    (
        "    image: example/dashboard:2.0.0\n",
        "    image: example/dashboard:2.0.0\n    depends_on: {other: {condition: service_started, required: false}}\n  other:\n    image: a\n    depends_on: [dashboard]\n",
        None,
    ),
    (
        "    image: example/dashboard:2.0.0\n",
        "    image: example/dashboard:2.0.0\n    depends_on: [dashboard]\n",
        Some("services wait for each other: dashboard -> dashboard"),
    ),
    (
        "\nvolumes:\n",
        "\nsecrets: {pw: {}}\nvolumes:\n",
        Some("secrets.pw has none of file, environment"),
    ),
    (
        "\nvolumes:\n",
        "\nsecrets: {pw: }\nvolumes:\n",
        Some("secrets.pw has none of file, environment"),
    ),
    (
        "\nvolumes:\n",
        "\nsecrets: {pw: {file: a, environment: B}}\nvolumes:\n",
        Some("secrets.pw has more than one of file, environment"),
    ),
    (
        "\nvolumes:\n",
        "\nconfigs: {c: {labels: {a: b}}}\nvolumes:\n",
        Some("configs.c has none of file, environment, content"),
    ),
    (
        "\nvolumes:\n",
        "\nconfigs: {c: {content: a}, d: {external: true}}\nsecrets: {pw: {driver: a}}\nvolumes:\n",
        None,
    ),
    (
        "\nvolumes:\n",
        "\nx-any: {a: b}\nmodels: {m: {model: a, context_size: 1}}\nvolumes:\n",
        None,
    ),
    (
        "\nvolumes:\n",
        "\nmodels: {m: {modl: a}}\nvolumes:\n",
        Some("models.m.modl is no key"),
    ),
    (
        "networks:\n  back:\n",
        "networks:\n  other: {ipam: {config: [{subnt: 10.0.0.0/8}]}}\n  back:\n",
        Some("networks.other.ipam.config.subnt is no key"),
    ),
    (
        "networks:\n  back:\n",
        "networks:\n  other: {ipam: {driver: a, options: {any: b}, config: [{subnet: 10.0.0.0/8, aux_addresses: {any: 10.0.0.1}}]}}\n  back:\n",
        None,
    ),
    // A name is made to fit.
    ("name: aio\n", "name: My_App\n", None),
];

#[test]
fn what_compose_refuses_of_a_file() {
    each(FILE, |(from, to, expected)| {
        assert!(REFERENCE.contains(from), "{from}");
        judged(&REFERENCE.replacen(from, to, 1), to, *expected);
    });
}

/// Containers that no profile starts together may share a name.
#[test]
fn a_container_name_is_for_one_at_a_time() {
    for (profile, said) in [("explorer", None), ("k-social", Some("container_name"))] {
        let added = format!(
            "  k-indexer-2:\n    image: a\n    container_name: k-indexer\n    profiles: [{profile}]\n\n  dashboard:\n"
        );
        let text = REFERENCE
            .replacen("  dashboard:\n", &added, 1)
            .replace("[k-social, prod]", "[k-social]");
        judged(&text, profile, said);
    }
}

#[test]
fn a_projects_name_from_the_environment_is_taken_as_it_is() {
    let deployment = Deployment::new(REFERENCE);
    for (name, refused) in [("My App", true), ("my-app_2", false)] {
        let run = check(&deployment, &[("COMPOSE_PROJECT_NAME", name)]);
        let said = gaps(&run)
            .iter()
            .any(|gap| gap.starts_with("Docker Compose refuses COMPOSE_PROJECT_NAME"));
        assert_eq!(said, refused, "{name}");
    }
}

/// What leads in a circle or to nothing is not checked, with its line, once for each cause; what else the file says is.
#[test]
fn what_leads_nowhere_is_not_checked() {
    let long: String = (0..31)
        .map(|step| format!("  e{step}: {{image: 'x:1', extends: e{}}}\n", step + 1))
        .collect();
    let long = format!("{long}  e31: {{image: 'x:1'}}\n");
    let cases: [(&str, &str, &str); 7] = [
        (
            "itself",
            "  e: {image: 'x:1', extends: e}\n",
            "Docker Compose refuses compose.yaml:16:30: services.e.extends: services extend each other: e -> e;",
        ),
        (
            "three, and one that leads to them",
            "  a: {image: 'x:1', extends: b}\n  b: {image: 'x:1', extends: {service: c}}\n  c: {image: 'x:1', extends: a}\n  d: {extends: c}\n",
            "services.a.extends: services extend each other: a -> b -> c -> a;",
        ),
        (
            "through another file",
            "  a: {image: 'x:1', extends: {file: other.yaml, service: b}}\n",
            "services extend each other: a -> b -> a;",
        ),
        (
            "nobody, once though two come by",
            "  a: {image: 'x:1', extends: b}\n  b: {image: 'x:1', extends: nobody}\n",
            "compose.yaml:17:30: services.b.extends: there is no service nobody in that file;",
        ),
        (
            "nobody in another file",
            "  a: {image: 'x:1', extends: {file: other.yaml, service: c}}\n",
            "services.a.extends: there is no service c in that file;",
        ),
        (
            "a long way",
            &long,
            "extends: the chain is longer than 30 and was not followed",
        ),
        (
            "a file that includes itself",
            "include:\n  - compose.yaml\n",
            "Docker Compose refuses compose.yaml:4:5: include: the files include each other;",
        ),
    ];
    for (case, added, said) in cases {
        let text = match added.strip_prefix("include:") {
            Some(_) => REFERENCE.replacen("name: aio\n", &format!("name: aio\n{added}"), 1),
            None => REFERENCE.replacen("\nservices:\n", &format!("\nservices:\n{added}"), 1),
        };
        let deployment = Deployment::new(&text);
        deployment.write(
            "other.yaml",
            "services:\n  b: {image: 'x:1', extends: {file: compose.yaml, service: a}}\n",
        );
        let run = check(&deployment, &[]);
        assert_eq!(run.code, 4, "{case}: {}", run.err);
        let gaps = gaps(&run);
        let told: Vec<&String> = gaps.iter().filter(|gap| gap.contains(said)).collect();
        assert_eq!(told.len(), 1, "{case}: {gaps:#?}");
        assert_eq!(gaps.len(), 1, "{case}: {gaps:#?}");
        assert!(run.out.contains("compose/default-password"), "{case}");
    }
}

/// A base that many services extend is one file, however many they are.
#[test]
fn many_may_extend_one_file() {
    let many: String = (0..300)
        .map(|at| format!("  e{at}: {{extends: {{file: other.yaml, service: b}}}}\n"))
        .collect();
    let text = REFERENCE.replacen("\nservices:\n", &format!("\nservices:\n{many}"), 1);
    let deployment = Deployment::new(&text);
    deployment.write("other.yaml", "services:\n  b: {image: 'x:1'}\n");
    let run = check(&deployment, &[]);
    assert_eq!((run.code, gaps(&run)), (0, Vec::new()), "{}", run.err);
}
