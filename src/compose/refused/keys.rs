//! The keys that the Compose Specification knows, by where they stand (its schema, `compose-spec.json`).

/// What may stand at a place.
pub(super) enum Shape {
    /// A map with these keys, and these with a shape of their own. What is no map has another syntax, which is not judged.
    Keys(&'static [&'static str], &'static [(&'static str, Shape)]),
    /// A list, or a map of any names, with this in each place.
    Each(&'static Shape),
}

use Shape::{Each, Keys};

/// A whole file.
pub(super) const FILE: Shape = Keys(
    &["name", "version"],
    &[
        (
            "configs",
            Each(&Keys(
                &[
                    "content",
                    "environment",
                    "external",
                    "file",
                    "labels",
                    "name",
                    "template_driver",
                ],
                &[],
            )),
        ),
        (
            "include",
            Each(&Keys(&["env_file", "path", "project_directory"], &[])),
        ),
        ("models", Each(&Keys(MODEL, &[]))),
        ("networks", Each(&NETWORK)),
        (
            "secrets",
            Each(&Keys(
                &[
                    "driver",
                    "driver_opts",
                    "environment",
                    "external",
                    "file",
                    "labels",
                    "name",
                    "template_driver",
                ],
                &[],
            )),
        ),
        ("services", Each(&SERVICE)),
        (
            "volumes",
            Each(&Keys(
                &["driver", "driver_opts", "labels", "name"],
                &[("external", EXTERNAL)],
            )),
        ),
    ],
);

/// Those of Docker Model Runner change often.
const MODEL: &[&str] = &["context_size", "model", "name", "runtime_flags"];

const EXTERNAL: Shape = Keys(&["name"], &[]);

const NETWORK: Shape = Keys(
    &[
        "attachable",
        "driver",
        "driver_opts",
        "enable_ipv4",
        "enable_ipv6",
        "internal",
        "labels",
        "name",
    ],
    &[
        ("external", EXTERNAL),
        (
            "ipam",
            Keys(
                &["driver", "options"],
                &[(
                    "config",
                    Each(&Keys(
                        &["aux_addresses", "gateway", "ip_range", "subnet"],
                        &[],
                    )),
                )],
            ),
        ),
    ],
);

const SERVICE: Shape = Keys(
    PLAIN,
    &[
        ("blkio_config", BLOCK_IO),
        (
            "build",
            Keys(
                &[
                    "additional_contexts",
                    "args",
                    "cache_from",
                    "cache_to",
                    "context",
                    "dockerfile",
                    "dockerfile_inline",
                    "entitlements",
                    "extra_hosts",
                    "isolation",
                    "labels",
                    "network",
                    "no_cache",
                    "no_cache_filter",
                    "platforms",
                    "privileged",
                    "provenance",
                    "pull",
                    "sbom",
                    "shm_size",
                    "ssh",
                    "tags",
                    "target",
                ],
                &[("secrets", Each(&GRANT)), ("ulimits", Each(&ULIMIT))],
            ),
        ),
        ("configs", Each(&GRANT)),
        (
            "credential_spec",
            Keys(&["config", "file", "registry"], &[]),
        ),
        (
            "depends_on",
            Each(&Keys(&["condition", "required", "restart"], &[])),
        ),
        ("deploy", DEPLOY),
        ("develop", Keys(&[], &[("watch", Each(&WATCH))])),
        (
            "devices",
            Each(&Keys(&["permissions", "source", "target"], &[])),
        ),
        (
            "env_file",
            Each(&Keys(&["format", "path", "required"], &[])),
        ),
        ("extends", Keys(&["file", "service"], &[])),
        (
            "healthcheck",
            Keys(
                &[
                    "disable",
                    "interval",
                    "retries",
                    "start_interval",
                    "start_period",
                    "test",
                    "timeout",
                ],
                &[],
            ),
        ),
        ("logging", Keys(&["driver", "options"], &[])),
        ("models", Each(&Keys(&["endpoint_var", "model_var"], &[]))),
        (
            "networks",
            Each(&Keys(
                &[
                    "aliases",
                    "driver_opts",
                    "gw_priority",
                    "interface_name",
                    "ipv4_address",
                    "ipv6_address",
                    "link_local_ips",
                    "mac_address",
                    "priority",
                ],
                &[],
            )),
        ),
        (
            "ports",
            Each(&Keys(
                &[
                    "app_protocol",
                    "host_ip",
                    "mode",
                    "name",
                    "protocol",
                    "published",
                    "target",
                ],
                &[],
            )),
        ),
        ("post_start", Each(&HOOK)),
        ("pre_stop", Each(&HOOK)),
        ("provider", Keys(&["options", "type"], &[])),
        ("secrets", Each(&GRANT)),
        ("ulimits", Each(&ULIMIT)),
        ("volumes", Each(&MOUNT)),
    ],
);

const GRANT: Shape = Keys(&["gid", "mode", "source", "target", "uid"], &[]);
const ULIMIT: Shape = Keys(&["hard", "soft"], &[]);
const HOOK: Shape = Keys(
    &[
        "command",
        "environment",
        "per_replica",
        "privileged",
        "user",
        "working_dir",
    ],
    &[],
);

const MOUNT: Shape = Keys(
    &["consistency", "read_only", "source", "target", "type"],
    &[
        (
            "bind",
            Keys(
                &["create_host_path", "propagation", "recursive", "selinux"],
                &[],
            ),
        ),
        ("image", Keys(&["subpath"], &[])),
        ("tmpfs", Keys(&["mode", "size"], &[])),
        ("volume", Keys(&["labels", "nocopy", "subpath"], &[])),
    ],
);

const BLOCK_IO: Shape = Keys(
    &["weight"],
    &[
        ("device_read_bps", RATES),
        ("device_read_iops", RATES),
        ("device_write_bps", RATES),
        ("device_write_iops", RATES),
        ("weight_device", Each(&Keys(&["path", "weight"], &[]))),
    ],
);
const RATES: Shape = Each(&Keys(&["path", "rate"], &[]));

const WATCH: Shape = Keys(
    &[
        "action",
        "ignore",
        "include",
        "initial_sync",
        "path",
        "target",
    ],
    &[("exec", HOOK)],
);

const DEPLOY: Shape = Keys(
    &["endpoint_mode", "labels", "mode", "replicas"],
    &[
        (
            "placement",
            Keys(
                &["constraints", "max_replicas_per_node"],
                &[("preferences", Each(&Keys(&["spread"], &[])))],
            ),
        ),
        (
            "resources",
            Keys(
                &[],
                &[
                    ("limits", Keys(&["cpus", "memory", "pids"], &[])),
                    (
                        "reservations",
                        Keys(
                            &["cpus", "memory"],
                            &[
                                ("devices", Each(&RESERVED)),
                                (
                                    "generic_resources",
                                    Each(&Keys(
                                        &[],
                                        &[(
                                            "discrete_resource_spec",
                                            Keys(&["kind", "value"], &[]),
                                        )],
                                    )),
                                ),
                            ],
                        ),
                    ),
                ],
            ),
        ),
        (
            "restart_policy",
            Keys(&["condition", "delay", "max_attempts", "window"], &[]),
        ),
        ("rollback_config", CHANGE),
        ("update_config", CHANGE),
    ],
);
const RESERVED: Shape = Keys(
    &["capabilities", "count", "device_ids", "driver", "options"],
    &[],
);
const CHANGE: Shape = Keys(
    &[
        "delay",
        "failure_action",
        "max_failure_ratio",
        "monitor",
        "order",
        "parallelism",
    ],
    &[],
);

/// Keys of a service whose values are not looked into.
const PLAIN: &[&str] = &[
    "annotations",
    "attach",
    "cap_add",
    "cap_drop",
    "cgroup",
    "cgroup_parent",
    "command",
    "container_name",
    "cpu_count",
    "cpu_percent",
    "cpu_period",
    "cpu_quota",
    "cpu_rt_period",
    "cpu_rt_runtime",
    "cpu_shares",
    "cpus",
    "cpuset",
    "device_cgroup_rules",
    "dns",
    "dns_opt",
    "dns_search",
    "domainname",
    "entrypoint",
    "environment",
    "expose",
    "external_links",
    "extra_hosts",
    "gpus",
    "group_add",
    "hostname",
    "image",
    "init",
    "ipc",
    "isolation",
    "label_file",
    "labels",
    "links",
    "mac_address",
    "mem_limit",
    "mem_reservation",
    "mem_swappiness",
    "memswap_limit",
    "network_mode",
    "oom_kill_disable",
    "oom_score_adj",
    "pid",
    "pids_limit",
    "platform",
    "privileged",
    "profiles",
    "pull_policy",
    "pull_refresh_after",
    "read_only",
    "restart",
    "runtime",
    "scale",
    "security_opt",
    "shm_size",
    "stdin_open",
    "stop_grace_period",
    "stop_signal",
    "storage_opt",
    "sysctls",
    "tmpfs",
    "tty",
    "use_api_socket",
    "user",
    "userns_mode",
    "uts",
    "volumes_from",
    "working_dir",
];
