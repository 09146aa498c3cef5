//! Ctrl-C and SIGTERM: a wish to stop, seen by whoever asks. A second one ends the process at once.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

static ASKED: AtomicBool = AtomicBool::new(false);

/// The token that is cancelled by the first signal. The first call begins to listen.
pub(crate) fn token() -> CancellationToken {
    static TOKEN: OnceLock<CancellationToken> = OnceLock::new();
    TOKEN.get_or_init(listen).clone()
}

/// Whether a signal has come.
pub(crate) fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// Whether a signal has come that nobody has taken yet; the next one is then a first one again. For
/// whoever asks a person what is meant by it.
pub(crate) fn take() -> bool {
    ASKED.swap(false, Ordering::Relaxed)
}

fn listen() -> CancellationToken {
    let token = CancellationToken::new();
    let of_thread = token.clone();
    let wait = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let mut interrupt = signal(SignalKind::interrupt())?;
            let mut terminate = signal(SignalKind::terminate())?;
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if ASKED.swap(true, Ordering::Relaxed) {
                    crate::keys::restore();
                    std::process::exit(130);
                }
                of_thread.cancel();
            }
        })
    };
    std::thread::spawn(move || {
        let ended: std::io::Result<()> = wait();
        if let Err(error) = ended {
            tracing::warn!(%error, "cannot listen for signals");
        }
    });
    token
}
