//! Where the images of PostgreSQL keep their data (their pages on Docker Hub: "PGDATA", "Where to Store Data", "Persisting your
//! database").

use super::Container;
use super::path::within;

/// The directories in which images of PostgreSQL keep their data, each in one of them.
pub const DATA: [&str; 4] = [
    "/var/lib/postgresql",
    "/home/postgres",
    "/bitnami/postgresql",
    "/opt/bitnami/postgresql",
];

/// Where an image keeps a server's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageData {
    /// The directory of the data.
    pub directory: String,
    /// The volume that the image declares: without a mount there the engine puts a new one, which goes with the container.
    pub volume: Option<&'static str>,
}

/// What keeps a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// A mount.
    Mounted,
    /// A volume that the image declares, below what is mounted.
    Hidden(&'static str),
    /// Nothing.
    Nothing,
}

impl Container {
    /// Where its image keeps the data if it is told nothing else; `None` where the image or its version is not known.
    #[must_use]
    pub fn image_data(&self) -> Option<ImageData> {
        let image = self.image.as_ref().filter(|_| !self.build)?;
        let data = of(image.text.get()?)?;
        // Bitnami's own variables for it.
        let is_told = ["POSTGRESQL_DATA_DIR", "POSTGRESQL_VOLUME_DIR"]
            .iter()
            .any(|name| self.variable(name).is_some());
        (!is_told).then_some(data)
    }

    /// What keeps a directory of the container.
    #[must_use]
    pub fn keeps(&self, directory: &str) -> Kept {
        let covering = self.mounts.iter().filter(|mount| mount.covers(directory));
        // The innermost is the one that is seen there.
        let innermost = covering.max_by_key(|mount| mount.target.raw().trim_end_matches('/').len());
        let Some(mount) = innermost.filter(|mount| !mount.memory) else {
            return Kept::Nothing;
        };
        let declared = self.image_data().and_then(|data| data.volume);
        let hides = |volume: &&str| within(directory, volume) && !mount.lies_in(volume);
        declared.filter(hides).map_or(Kept::Mounted, Kept::Hidden)
    }
}

fn of(image: &str) -> Option<ImageData> {
    let named = image.split('@').next().unwrap_or(image);
    let (path, last) = named.rsplit_once('/').unwrap_or(("", named));
    let (name, tag) = last.split_once(':').unwrap_or((last, ""));
    let from = path.trim_start_matches("docker.io").trim_start_matches('/');
    let fixed = |directory: &str, volume| {
        Some(ImageData {
            directory: directory.to_owned(),
            volume,
        })
    };
    let major = match (from, name) {
        ("timescale", "timescaledb-ha") => return fixed("/home/postgres/pgdata/data", None),
        ("bitnami" | "bitnamilegacy" | "bitnamisecure", "postgresql" | "postgresql-repmgr") => {
            return fixed("/bitnami/postgresql/data", Some("/bitnami/postgresql"));
        }
        ("", "postgres") => leading(tag),
        (official, "postgres") if official == "library" || official.ends_with("/library") => {
            leading(tag)
        }
        ("postgis", "postgis") => leading(tag),
        ("timescale", "timescaledb") | ("pgvector", "pgvector") => tag
            .split('-')
            .find_map(|part| leading(part.strip_prefix("pg")?)),
        _ => None,
    }?;
    match major {
        0..18 => fixed("/var/lib/postgresql/data", Some("/var/lib/postgresql/data")),
        18.. => fixed(
            &format!("/var/lib/postgresql/{major}/docker"),
            Some("/var/lib/postgresql"),
        ),
    }
}

/// The number that a text begins with.
fn leading(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit());
    text.get(..end.unwrap_or(text.len()))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn the_directory_follows_image_and_version() {
        let old = "/var/lib/postgresql/data";
        for (image, directory) in [
            ("postgres:17", Some(old)),
            ("postgres:9.6-alpine", Some(old)),
            ("postgres:18", Some("/var/lib/postgresql/18/docker")),
            (
                "docker.io/library/postgres:18.1-bookworm",
                Some("/var/lib/postgresql/18/docker"),
            ),
            (
                "public.ecr.aws/docker/library/postgres:19beta1",
                Some("/var/lib/postgresql/19/docker"),
            ),
            ("timescale/timescaledb:2.19.3-pg17", Some(old)),
            (
                "timescale/timescaledb:latest-pg18",
                Some("/var/lib/postgresql/18/docker"),
            ),
            (
                "timescale/timescaledb-ha:pg17",
                Some("/home/postgres/pgdata/data"),
            ),
            (
                "docker.io/timescale/timescaledb-ha",
                Some("/home/postgres/pgdata/data"),
            ),
            (
                "bitnami/postgresql:latest",
                Some("/bitnami/postgresql/data"),
            ),
            (
                "postgis/postgis:18-3.6",
                Some("/var/lib/postgresql/18/docker"),
            ),
            (
                "pgvector/pgvector:0.8.1-pg18-trixie",
                Some("/var/lib/postgresql/18/docker"),
            ),
            // Of no known version, or somebody's own.
            ("postgres", None),
            ("postgres:latest", None),
            ("postgres:alpine", None),
            ("postgres@sha256:18", None),
            ("timescale/timescaledb:latest", None),
            ("registry.example/postgres:18", None),
            ("supabase/postgres:17", None),
        ] {
            let found = of(image).map(|data| data.directory);
            assert_eq!(found.as_deref(), directory, "{image}");
        }
    }
}
