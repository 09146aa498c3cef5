//! Texts that come again and again ↔ small codes, while a segment is written.

use eip_contract::EventType;
use hashbrown::HashMap;

/// Stands for a text of one [`Texts`].
pub(crate) type Code = u16;

/// Most texts at a time; then whoever writes flushes all rows and starts anew.
const MOST: usize = 60_000;

/// The texts of the rows not yet flushed: types, regions, run names.
pub(crate) struct Texts {
    codes: HashMap<Box<str>, Code>,
    by_code: Vec<Box<str>>,
    /// By the two bytes of a region: its code + 1, or 0 for one not seen yet.
    two_letters: Box<[Code]>,
}

impl Texts {
    /// With the names of the event types, whose codes are their ranks.
    pub(crate) fn new() -> Self {
        let mut texts = Self {
            codes: HashMap::new(),
            by_code: Vec::new(),
            two_letters: vec![0; 1 << 16].into_boxed_slice(),
        };
        for event_type in EventType::ALL {
            let code = texts.code(event_type.name());
            assert_eq!(
                usize::from(code),
                event_type.rank(),
                "ranks are the first codes"
            );
        }
        texts
    }

    /// The code of a text.
    #[inline]
    pub(crate) fn code(&mut self, text: &str) -> Code {
        let Ok(two) = <[u8; 2]>::try_from(text.as_bytes()) else {
            return self.look_up(text);
        };
        let place = usize::from(Code::from_le_bytes(two));
        if self.two_letters[place] == 0 {
            self.two_letters[place] = self.look_up(text) + 1;
        }
        self.two_letters[place] - 1
    }

    fn look_up(&mut self, text: &str) -> Code {
        if let Some(&code) = self.codes.get(text) {
            return code;
        }
        let code = Code::try_from(self.by_code.len()).expect("flushed before it is full");
        self.by_code.push(text.into());
        self.codes.insert(text.into(), code);
        code
    }

    /// The text of a code.
    pub(crate) fn text(&self, code: Code) -> &str {
        &self.by_code[usize::from(code)]
    }

    /// Number of texts, which all codes are below.
    pub(crate) fn len(&self) -> usize {
        self.by_code.len()
    }

    /// Whether there is no room for the texts of many more rows.
    pub(crate) fn is_full(&self) -> bool {
        self.len() >= MOST
    }
}

/// The code of the last text of a column whose text seldom changes.
#[derive(Default)]
pub(crate) struct LastText {
    text: String,
    code: Option<Code>,
}

impl LastText {
    /// As [`Texts::code`], with one comparison when the text is the last one.
    #[inline]
    pub(crate) fn code(&mut self, texts: &mut Texts, text: &str) -> Code {
        match self.code {
            Some(code) if self.text == text => code,
            _ => {
                let code = texts.code(text);
                text.clone_into(&mut self.text);
                self.code = Some(code);
                code
            }
        }
    }
}
