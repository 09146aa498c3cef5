//! Sizes that bound memory and the number of segments. The defaults serve; tests make them small.

/// How a cache is written.
#[derive(Clone, Copy, Debug)]
pub struct CacheOptions {
    /// Bytes of rows kept in memory; beyond it the larger groups are flushed.
    pub buffered_bytes: usize,
    /// Most rows of a row group, which holds one page a column.
    pub group_rows: usize,
    /// Most rows of a segment that a catch-up writes; more make more segments, so that one damaged
    /// byte never costs the whole cache. (Merging knows no such limit: whoever asks for one segment
    /// gets one.)
    pub segment_rows: u64,
    /// Most dead letters of such a segment: they are kept in memory.
    pub segment_dead_letters: usize,
    /// Most segments before a catch-up merges the small ones at the end.
    pub segments: usize,
    /// Segments up to so many rows are always small enough to merge.
    pub small_rows: u64,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            buffered_bytes: 64 << 20,
            group_rows: 1 << 16,
            segment_rows: 8_000_000,
            segment_dead_letters: 10_000,
            segments: 32,
            small_rows: 100_000,
        }
    }
}
