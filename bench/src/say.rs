//! The lines that a benchmark prints. An output that is gone stops no measurement.

/// Prints a line on stdout, like `println!`, and never panics.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        // The caller learns of an output that cannot be written when it flushes its own.
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}
