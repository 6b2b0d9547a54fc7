//! What an interrupt does to a statement that is running.

use std::time::Duration;

use tokio::sync::watch;

use super::super::session::Session;
use super::FAREWELL;
use super::lock::raised;

/// An attempt that an interrupt cancels on the server; what the server answers then is what has become of it.
/// `None` when the server does not answer.
pub(in crate::postgres) async fn or_cancel<T>(
    session: &Session,
    interrupt: &watch::Receiver<bool>,
    attempt: impl Future<Output = T>,
) -> Option<T> {
    tokio::pin!(attempt);
    tokio::select! {
        done = &mut attempt => return Some(done),
        () = raised(interrupt) => {}
    }
    let canceller = session.canceller();
    let ending = async {
        // Between two statements there is nothing to cancel, so once may not be enough.
        loop {
            canceller.cancel().await;
            let soon = tokio::time::timeout(Duration::from_millis(200), &mut attempt);
            if let Ok(done) = soon.await {
                break done;
            }
        }
    };
    tokio::time::timeout(FAREWELL, ending).await.ok()
}
