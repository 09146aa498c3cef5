//! Opening the dashboard in a browser, where there is a display and a program that does it.

use std::process::{Command, Stdio};

/// Opens an address in the person's browser. Where that cannot be, the address on the terminal is
/// all there is.
pub(super) fn open(address: &str) {
    let displays = ["DISPLAY", "WAYLAND_DISPLAY"];
    let has_display = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if !displays.into_iter().any(has_display) {
        return;
    }
    let opener = Command::new("xdg-open")
        .arg(address)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if let Err(error) = opener {
        tracing::debug!(%error, "no browser is opened");
    }
}
