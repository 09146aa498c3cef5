//! Storage that grows without ever moving or doubling: what a join table takes is what it holds.

/// Most entries of one chunk.
const CHUNK: usize = 1 << 15;
/// Most bytes of one chunk of texts.
const TEXT_CHUNK: usize = 1 << 18;

/// A vector in chunks. Growing copies at most one chunk, so it never takes twice its size.
#[derive(Debug)]
pub(crate) struct Chunks<T> {
    chunks: Vec<Vec<T>>,
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self { chunks: Vec::new() }
    }
}

impl<T> Chunks<T> {
    pub(crate) fn len(&self) -> usize {
        match self.chunks.as_slice() {
            [] => 0,
            [full @ .., last] => full.len() * CHUNK + last.len(),
        }
    }

    pub(crate) fn push(&mut self, entry: T) {
        match self.chunks.last_mut() {
            Some(last) if last.len() < CHUNK => last.push(entry),
            _ => {
                // The first chunk grows from nothing, as small data needs; later ones come whole.
                let capacity = if self.chunks.is_empty() { 0 } else { CHUNK };
                let mut chunk = Vec::with_capacity(capacity);
                chunk.push(entry);
                self.chunks.push(chunk);
            }
        }
    }

    #[inline]
    pub(crate) fn get(&self, index: usize) -> &T {
        &self.chunks[index / CHUNK][index % CHUNK]
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, index: usize) -> &mut T {
        &mut self.chunks[index / CHUNK][index % CHUNK]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flatten()
    }
}

/// Texts of at most 512 bytes, one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    chunks: Vec<Vec<u8>>,
}

/// Where a text is in [`Texts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TextPlace {
    pub(crate) chunk: u32,
    pub(crate) start: u32,
    pub(crate) length: u32,
}

impl Texts {
    pub(crate) fn push(&mut self, text: &[u8]) -> TextPlace {
        let full = self
            .chunks
            .last()
            .is_none_or(|last| last.len() + text.len() > TEXT_CHUNK);
        if full {
            let capacity = if self.chunks.is_empty() {
                0
            } else {
                TEXT_CHUNK
            };
            self.chunks.push(Vec::with_capacity(capacity));
        }
        let chunk = self.chunks.len() - 1;
        let last = &mut self.chunks[chunk];
        let start = last.len();
        last.extend_from_slice(text);
        TextPlace {
            chunk: chunk as u32,
            start: start as u32,
            length: text.len() as u32,
        }
    }

    pub(crate) fn get(&self, place: TextPlace) -> &[u8] {
        let start = place.start as usize;
        &self.chunks[place.chunk as usize][start..start + place.length as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_and_texts_are_found_again_over_many_chunks() {
        let mut chunks = Chunks::default();
        let mut texts = Texts::default();
        let text = |i: usize| vec![b'a' + (i % 26) as u8; i % 513];
        let places: Vec<TextPlace> = (0..5_000).map(|i| texts.push(&text(i))).collect();
        for i in 0..=3 * CHUNK {
            chunks.push(i);
        }
        assert_eq!(chunks.len(), 3 * CHUNK + 1);
        assert!(chunks.iter().copied().eq(0..=3 * CHUNK));
        *chunks.get_mut(2 * CHUNK) = 7;
        assert_eq!(
            (*chunks.get(2 * CHUNK), *chunks.get(CHUNK - 1)),
            (7, CHUNK - 1)
        );
        for (i, place) in places.into_iter().enumerate() {
            assert_eq!(texts.get(place), text(i));
        }
    }
}
