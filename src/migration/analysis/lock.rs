//! The table locks that a parsed statement takes.
//!
//! Sources: PostgreSQL documentation, "Explicit Locking", and each command's own page (ALTER TABLE, CREATE TABLE, ALTER INDEX,
//! CREATE TRIGGER, REINDEX, REFRESH MATERIALIZED VIEW, COMMENT …).

use squawk_syntax::ast::{self, AstNode as _, Stmt};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::names::{reference, references};
use super::{Lock, LockMode, Name, alter, query};

/// What a statement locks.
#[derive(Debug, Default)]
pub(super) struct Locks {
    /// Every lock that its text tells of.
    pub(super) known: Vec<Lock>,
    /// Whether it may take others, which its text does not tell.
    pub(super) dynamic: bool,
}

impl Locks {
    pub(super) fn one(mode: LockMode, relation: Option<Name>) -> Self {
        Self {
            known: vec![Lock { mode, relation }],
            dynamic: false,
        }
    }

    pub(super) fn each(mode: LockMode, relations: Vec<Name>) -> Self {
        let mut locks = Self::default();
        for relation in relations {
            locks.add(mode, Some(relation));
        }
        locks
    }

    pub(super) const fn dynamic() -> Self {
        Self {
            known: Vec::new(),
            dynamic: true,
        }
    }

    pub(super) fn add(&mut self, mode: LockMode, relation: Option<Name>) {
        self.known.push(Lock { mode, relation });
    }
}

/// What a statement locks.
pub(super) fn locks(statement: &Stmt) -> Locks {
    use LockMode::{AccessExclusive, Exclusive, Share, ShareRowExclusive, ShareUpdateExclusive};
    let node = statement.syntax();
    let first = |mode| Locks::one(mode, reference(node));
    let all = |mode| Locks::each(mode, references(node));
    match statement {
        Stmt::AlterTable(_) | Stmt::AlterForeignTable(_) | Stmt::AlterMaterializedView(_) => {
            alter::table(node)
        }
        Stmt::AlterIndex(_) => alter::index(node),
        Stmt::AlterSequence(_) => alter::sequence(node),
        Stmt::AlterView(_)
        | Stmt::AlterPolicy(_)
        | Stmt::AlterRule(_)
        | Stmt::AlterTrigger(_)
        | Stmt::CreatePolicy(_)
        | Stmt::CreateRule(_)
        | Stmt::DropPolicy(_)
        | Stmt::DropRule(_)
        | Stmt::DropTrigger(_) => first(AccessExclusive),
        Stmt::CreateTrigger(_) => first(ShareRowExclusive),
        Stmt::CreateIndex(create) if create.concurrently_token().is_some() => {
            first(ShareUpdateExclusive)
        }
        Stmt::CreateIndex(_) => first(Share),
        Stmt::CreateTable(_) | Stmt::CreateForeignTable(_) => create_table(node),
        Stmt::CreateView(create) => {
            let mut locks = query::locks(node);
            if create.or_replace().is_some() {
                let view = super::names::created(node).into_iter().next();
                locks.add(AccessExclusive, view);
            }
            locks
        }
        Stmt::Analyze(_)
        | Stmt::CommentOn(_)
        | Stmt::CreateStatistics(_)
        | Stmt::AlterPublication(_)
        | Stmt::CreatePublication(_)
        | Stmt::SecurityLabel(_) => all(ShareUpdateExclusive),
        Stmt::Vacuum(_) | Stmt::Cluster(_) | Stmt::Repack(_) => rewrite(statement),
        Stmt::Reindex(_) => reindex(node),
        Stmt::Refresh(refresh) if refresh.concurrently_token().is_some() => first(Exclusive),
        Stmt::Refresh(_) => first(AccessExclusive),
        Stmt::Truncate(_) => with_cascade(all(AccessExclusive), node),
        Stmt::DropIndex(drop) if drop.concurrently_token().is_some() => all(ShareUpdateExclusive),
        Stmt::DropIndex(_)
        | Stmt::DropTable(_)
        | Stmt::DropForeignTable(_)
        | Stmt::DropView(_)
        | Stmt::DropMaterializedView(_)
        | Stmt::DropSequence(_) => with_cascade(all(AccessExclusive), node),
        Stmt::Lock(lock) => all(lock_mode(lock)),
        Stmt::Do(_) | Stmt::Call(_) | Stmt::Execute(_) | Stmt::AlterExtension(_) => {
            Locks::dynamic()
        }
        // They look through the tables that use the domain.
        Stmt::AlterDomain(alter) => Locks {
            dynamic: alter.action().is_some_and(|action| {
                matches!(
                    action,
                    ast::AlterDomainAction::AddConstraint(_)
                        | ast::AlterDomainAction::ValidateConstraint(_)
                        | ast::AlterDomainAction::SetNotNull(_)
                )
            }),
            ..Locks::default()
        },
        // What a function does is done when it is called; a privilege is a row of the catalog.
        Stmt::CreateFunction(_) | Stmt::CreateProcedure(_) | Stmt::Grant(_) | Stmt::Revoke(_) => {
            Locks::default()
        }
        _ => with_cascade(query::locks(node), node),
    }
}

/// CASCADE reaches what the text does not name.
fn with_cascade(mut locks: Locks, node: &SyntaxNode) -> Locks {
    locks.dynamic |= node
        .children()
        .any(|child| child.kind() == SyntaxKind::CASCADE);
    locks
}

/// A new table locks what it refers to.
fn create_table(node: &SyntaxNode) -> Locks {
    let mut locks = Locks::default();
    for part in node.descendants() {
        let mode = match part.kind() {
            SyntaxKind::PARTITION_OF => LockMode::AccessExclusive,
            SyntaxKind::INHERITS => LockMode::ShareUpdateExclusive,
            SyntaxKind::LIKE_CLAUSE => LockMode::AccessShare,
            _ => continue,
        };
        for relation in references(&part) {
            locks.add(mode, Some(relation));
        }
    }
    alter::foreign_keys(node, &mut locks);
    locks
}

/// VACUUM, CLUSTER and REPACK; without a table they go through all.
fn rewrite(statement: &Stmt) -> Locks {
    let node = statement.syntax();
    let full = match statement {
        Stmt::Vacuum(vacuum) => {
            vacuum.full_token().is_some()
                || node
                    .descendants()
                    .filter_map(ast::VacuumOption::cast)
                    .any(|option| {
                        let text = option.syntax().text().to_string().to_ascii_lowercase();
                        let mut words = text.split_whitespace();
                        words.next() == Some("full")
                            && !matches!(words.next(), Some("false" | "off" | "no" | "0"))
                    })
        }
        _ => true,
    };
    let mode = if full {
        LockMode::AccessExclusive
    } else {
        LockMode::ShareUpdateExclusive
    };
    let indexes = [SyntaxKind::CLUSTER_USING_INDEX, SyntaxKind::CLUSTER_LEGACY];
    let relations: Vec<Name> = node
        .children()
        .filter(|child| !indexes.contains(&child.kind()))
        .flat_map(|child| references(&child))
        .collect();
    if relations.is_empty() {
        Locks::one(mode, None)
    } else {
        Locks::each(mode, relations)
    }
}

fn reindex(node: &SyntaxNode) -> Locks {
    let has = |kind| {
        node.descendants_with_tokens()
            .any(|element| element.kind() == kind)
    };
    let mode = if has(SyntaxKind::CONCURRENTLY_KW) {
        LockMode::ShareUpdateExclusive
    } else if has(SyntaxKind::INDEX_REF) {
        LockMode::AccessExclusive
    } else {
        LockMode::Share
    };
    Locks::one(mode, reference(node))
}

fn lock_mode(lock: &ast::Lock) -> LockMode {
    let mode = lock.syntax().descendants().find_map(|node| {
        Some(match node.kind() {
            SyntaxKind::ACCESS_SHARE => LockMode::AccessShare,
            SyntaxKind::ROW_SHARE => LockMode::RowShare,
            SyntaxKind::ROW_EXCLUSIVE => LockMode::RowExclusive,
            SyntaxKind::SHARE_UPDATE_EXCLUSIVE => LockMode::ShareUpdateExclusive,
            SyntaxKind::SHARE => LockMode::Share,
            SyntaxKind::SHARE_ROW_EXCLUSIVE => LockMode::ShareRowExclusive,
            SyntaxKind::EXCLUSIVE => LockMode::Exclusive,
            _ => return None,
        })
    });
    mode.unwrap_or(LockMode::AccessExclusive)
}
