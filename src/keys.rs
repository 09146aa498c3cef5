//! Single keys at the terminal, for as long as a run is followed.
//!
//! The terminal gives keys at once and does not show them; Ctrl-C is still a signal. However the
//! program ends, the terminal is put back.

use std::io::{self, IsTerminal as _};
use std::os::fd::BorrowedFd;
use std::sync::{Mutex, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::stdio::stdin;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// How the terminal was.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// The keys that are pressed at the terminal.
pub(crate) struct Keys {
    terminal: BorrowedFd<'static>,
}

impl Keys {
    /// Begins to take keys; `None` where stdin is no terminal.
    pub(crate) fn open() -> Option<Self> {
        if !io::stdin().is_terminal() {
            return None;
        }
        let terminal = stdin();
        let before = tcgetattr(terminal).ok()?;
        let mut now = before.clone();
        now.local_modes
            .remove(LocalModes::ICANON | LocalModes::ECHO);
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
        tcsetattr(terminal, OptionalActions::Now, &now).ok()?;
        Some(Self { terminal })
    }

    /// The next key, if one was pressed.
    pub(crate) fn next(&self) -> Option<char> {
        let mut waiting = [PollFd::from_borrowed_fd(self.terminal, PollFlags::IN)];
        let at_once = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        if poll(&mut waiting, Some(&at_once)).ok()? == 0 {
            return None;
        }
        let mut key = [0];
        let read = rustix::io::read(self.terminal, &mut key).ok()?;
        (read == 1).then(|| char::from(key[0]))
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        restore();
    }
}

/// Puts the terminal back, for an end without drops.
pub(crate) fn restore() {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(before) = before {
        // There is nothing left to do about a terminal that is gone.
        let _gone = tcsetattr(stdin(), OptionalActions::Now, &before);
    }
}
