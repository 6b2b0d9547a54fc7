//! What may end a run of provisioning early: an interrupt, and a lock that somebody holds.

use tokio::sync::watch;

use super::super::blockers::{LATER, Watch};
use super::super::runner::{Event, or_cancel, raised};
use super::super::session::Session;
use super::ProvisionError;
use crate::manifest::Endpoint;

/// A run that somebody may interrupt, and wants to hear of.
#[derive(Clone, Copy)]
pub(super) struct Attended<'a> {
    /// The administrator's way in.
    pub(super) admin: &'a Endpoint,
    /// Becomes true when the run is to end early.
    pub(super) interrupt: &'a watch::Receiver<bool>,
    /// Is told what the run waits for.
    pub(super) observer: &'a (dyn Fn(Event) + Sync),
}

impl Attended<'_> {
    /// Nothing more is begun after an interrupt.
    pub(super) fn go_on(&self) -> Result<(), ProvisionError> {
        match *self.interrupt.borrow() {
            true => Err(interrupted()),
            false => Ok(()),
        }
    }

    /// Work that changes nothing: an interrupt ends it at once.
    pub(super) async fn looking<T>(
        &self,
        work: impl Future<Output = Result<T, ProvisionError>>,
    ) -> Result<T, ProvisionError> {
        tokio::select! {
            done = work => done,
            () = raised(self.interrupt) => Err(interrupted()),
        }
    }

    /// Work of one session: an interrupt cancels what it runs, and who stands in its way is named.
    pub(super) async fn working<T>(
        &self,
        session: &Session,
        work: impl Future<Output = Result<T, ProvisionError>>,
    ) -> Result<T, ProvisionError> {
        let watch = Watch::new(self.admin, "dbctl provision", session.pid(), LATER)
            .telling_standbys(self.observer);
        let tell = |holder: &str| {
            (self.observer)(Event::WaitingForLock {
                holder: holder.to_owned(),
            });
        };
        let work = Box::pin(watch.telling(&tell, work));
        let done = or_cancel(session, self.interrupt, work).await;
        let result = match done {
            Some(Err(ProvisionError::Blocked(reason))) => {
                watch.look_late().await;
                Err(ProvisionError::Locked(format!(
                    "{}; run {} again when it is free",
                    watch.with_blockers(reason),
                    self.admin.provision()
                )))
            }
            Some(Err(ProvisionError::Cancelled { what, .. })) if *self.interrupt.borrow() => {
                Err(ProvisionError::Interrupted(format!(
                    "interrupted at the {what}, which was left as it is"
                )))
            }
            Some(result) => result,
            None => Err(ProvisionError::Interrupted(
                "interrupted, and the server does not answer: whether it has done the next step is not known"
                    .to_owned(),
            )),
        };
        watch.close().await;
        result
    }
}

fn interrupted() -> ProvisionError {
    ProvisionError::Interrupted("interrupted".to_owned())
}
