//! Who may do what, beyond entering the database: grants, defaults, ownership, memberships, settings, and what the server's other
//! inhabitants do. Plain facts; grants are those beyond what CREATE, initdb or an extension's script gave.

use super::{Fact, Kind, ObjectKey};

/// Everything that was read about privileges.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Privileges {
    /// Privileges that somebody other than the owner holds on an object of this database.
    pub grants: Vec<Grant>,
    /// Functions that run with their owner's rights and that PUBLIC may call.
    pub open_definers: Vec<Securable>,
    /// Privileges that objects will have which are yet to be made (`pg_default_acl`).
    pub default_grants: Vec<DefaultGrant>,
    /// Owners of what is no object of a snapshot: large objects, operators, chunks whose owner is not their hypertable's.
    pub owned: Vec<Owned>,
    /// How many objects each role owns in each other database of the server (`pg_shdepend`).
    pub owned_elsewhere: Vec<OwnedElsewhere>,
    /// The roles of the server, groups included.
    pub roles: Vec<RoleFacts>,
    /// Which role is a direct member of which.
    pub memberships: Vec<Membership>,
    /// Settings of roles and of this database that decide where statements end up (`pg_db_role_setting`).
    pub settings: Vec<RoleSetting>,
    /// Tablespaces that somebody made.
    pub tablespaces: Vec<Tablespace>,
    /// Privileges on parameters (PostgreSQL 15 and newer).
    pub parameters: Vec<ParameterGrant>,
    /// Whether this database is a template.
    pub template: bool,
    /// Roles that are connected to this database: name and number of sessions. dbctl's own are left out.
    pub sessions: Vec<(String, u64)>,
    /// Who streams this server's write-ahead log, which holds every database: standbys and the like.
    pub standbys: Vec<Standby>,
    /// How passwords are stored.
    pub passwords: Passwords,
}

/// What a privilege is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum On {
    /// An object of a kind that snapshots know.
    Object(Kind),
    /// One chunk of a hypertable that has not what its hypertable has.
    Chunk,
    /// A large object; its name is its OID.
    LargeObject,
    /// Another kind, as the server describes it: `operator`, `conversion` …
    Other,
}

impl On {
    /// One lower-case word: the value of `object.kind` in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Object(kind) => kind.as_str(),
            Self::Chunk => "chunk",
            Self::LargeObject => "large_object",
            Self::Other => "object",
        }
    }

    /// The kind of this name; what is not known is [`On::Other`].
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        match name {
            "chunk" => Self::Chunk,
            "large_object" => Self::LargeObject,
            name => Kind::from_name(name).map_or(Self::Other, Self::Object),
        }
    }

    /// The kind in words, for messages.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Object(kind) => kind.words(),
            Self::LargeObject => "large object",
            other => other.as_str(),
        }
    }
}

/// Where an object comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Somebody made it in this database.
    Made,
    /// The script of this extension made it.
    Extension(String),
    /// initdb made it.
    System,
}

/// An object that a privilege is on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Securable {
    /// What it is.
    pub on: On,
    /// Its schema; empty where it has none.
    pub schema: String,
    /// The relation of a column, the hypertable of a chunk; empty otherwise.
    pub parent: String,
    /// Its plain name.
    pub name: String,
    /// The argument types of a function.
    pub arguments: String,
}

impl Securable {
    /// The key that it has, or would have, in a snapshot.
    #[must_use]
    pub fn key(&self) -> ObjectKey {
        let kind = match self.on {
            On::Object(kind) => kind,
            On::LargeObject => Kind::LargeObject,
            On::Chunk | On::Other => Kind::Table,
        };
        ObjectKey {
            schema: self.schema.clone(),
            parent: if self.on == On::Chunk {
                String::new()
            } else {
                self.parent.clone()
            },
            kind,
            name: self.name.clone(),
            arguments: self.arguments.clone(),
        }
    }
}

/// Privileges of one grantee on one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The object.
    pub object: Securable,
    /// Where it comes from.
    pub origin: Origin,
    /// Its owner.
    pub owner: String,
    /// Who was given the privileges; `None` is PUBLIC.
    pub grantee: Option<String>,
    /// Who gave them, where that was not the owner.
    pub grantor: Option<String>,
    /// The privileges, as in `SELECT`.
    pub privileges: Vec<String>,
    /// Whether the grantee may pass them on.
    pub grantable: bool,
    /// How many more objects of this kind have the same, beside those that are listed.
    pub more: u64,
}

/// Privileges that objects will have which are yet to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultGrant {
    /// The role whose objects will have them.
    pub role: String,
    /// In this schema; `None` is everywhere.
    pub schema: Option<String>,
    /// `TABLES`, `SEQUENCES`, `FUNCTIONS`, `TYPES`, `SCHEMAS` or `LARGE OBJECTS`.
    pub objects: String,
    /// Who will hold them; `None` is PUBLIC.
    pub grantee: Option<String>,
    /// The privileges.
    pub privileges: Vec<String>,
}

/// The owner of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// The object.
    pub object: Securable,
    /// Its owner.
    pub owner: String,
    /// How many more objects of this kind the same role owns, beside those that are listed.
    pub more: u64,
}

/// How much a role owns in another database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedElsewhere {
    /// The role.
    pub role: String,
    /// The database.
    pub database: String,
    /// That database's owner.
    pub database_owner: String,
    /// The number of objects.
    pub objects: u64,
}

/// A role, group or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleFacts {
    /// Its name.
    pub name: String,
    /// Whether it may log in.
    pub login: bool,
    /// Its attributes that reach beyond one database: `SUPERUSER`, `CREATEDB`, `CREATEROLE`, `REPLICATION`, `BYPASSRLS`.
    pub powers: Vec<String>,
}

impl RoleFacts {
    /// Whether it is a superuser.
    #[must_use]
    pub fn is_superuser(&self) -> bool {
        self.powers.iter().any(|power| power == "SUPERUSER")
    }
}

/// One membership. Before PostgreSQL 16 INHERIT is the member's attribute, and SET goes without saying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The role that has members.
    pub group: String,
    /// The member.
    pub member: String,
    /// Whether the member has the group's privileges at once.
    pub inherit: bool,
    /// Whether the member may SET ROLE to the group.
    pub set: bool,
    /// Whether the member may give the membership to anyone, itself included.
    pub admin: bool,
    /// Who gave it.
    pub given: Given,
}

/// Who gave somebody something, and whether it can be given on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// Those who are not the owner, nor the bootstrap superuser in the place of one.
    pub grantors: Vec<String>,
    /// Whether only they gave it.
    pub by_others_alone: bool,
    /// Whether it may be given on, and so may have been.
    pub grantable: bool,
}

/// One setting of a role, of this database, or of both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleSetting {
    /// The role; `None` is every role.
    pub role: Option<String>,
    /// Whether it holds in this database only, not in every one.
    pub here: bool,
    /// The parameter.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A tablespace that is neither `pg_default` nor `pg_global`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tablespace {
    /// Its name.
    pub name: String,
    /// Its owner.
    pub owner: String,
    /// Whether somebody made it: the server's own two have no databases here.
    pub made: bool,
    /// The databases that use it.
    pub databases: Vec<String>,
    /// Who, other than the owner, may create in it; `None` is PUBLIC.
    pub grantees: Vec<Option<String>>,
}

/// A privilege on a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterGrant {
    /// The parameter.
    pub parameter: String,
    /// Who holds it; `None` is PUBLIC.
    pub grantee: Option<String>,
    /// `SET`, `ALTER SYSTEM`.
    pub privileges: Vec<String>,
    /// Who gave it.
    pub given: Given,
}

/// A receiver of the write-ahead log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standby {
    /// The name that it gives itself.
    pub name: String,
    /// The role that it logged in as.
    pub role: String,
}

/// How a password is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordKind {
    /// There is none.
    None,
    /// As an MD5 hash.
    Md5,
    /// As a SCRAM-SHA-256 verifier.
    Scram,
}

/// How the passwords of roles are stored: never what is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passwords {
    /// Every role that may log in, if somebody may read it.
    pub stored: Fact<Vec<(String, PasswordKind)>>,
    /// The role whose log-in proved that its password is stored as SCRAM-SHA-256.
    pub proved: Option<String>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            stored: Fact::Known(Vec::new()),
            proved: None,
        }
    }
}
