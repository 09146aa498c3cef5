//! What keys and Ctrl-C mean while a scaled run is followed, here or through a service.

use eip_ingest::run::ScaleFactor;

use crate::keys::Keys;

/// What was pressed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pressed {
    /// Pause, or go on.
    Pause,
    /// Another speed.
    Speed(Times),
    /// End the run.
    Cancel,
    /// Look away.
    Leave,
    /// Nothing to do but to tell this.
    Say(&'static str),
}

/// So many times the present speed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Times(f64);

impl Times {
    /// The speed that many times as high, within what is allowed.
    pub(crate) fn of(self, now: ScaleFactor) -> Option<ScaleFactor> {
        let (least, most) = (ScaleFactor::MIN.as_f64(), ScaleFactor::MAX.as_f64());
        ScaleFactor::new((now.as_f64() * self.0).clamp(least, most)).ok()
    }
}

/// Whether a question is open.
#[derive(Debug, Default)]
pub(crate) struct Pressing {
    asks: bool,
}

const QUESTION: &str = "cancel the run [c], leave it [l] or go on [any other key]?";

impl Pressing {
    /// The next key's meaning. `signal`: Ctrl-C was pressed since.
    pub(crate) fn next(&mut self, keys: &Keys, signal: bool) -> Option<Pressed> {
        if signal && !self.asks {
            self.asks = true;
            return Some(Pressed::Say(QUESTION));
        }
        keys.next().map(|key| self.meaning(key))
    }

    fn meaning(&mut self, key: char) -> Pressed {
        if std::mem::take(&mut self.asks) {
            return match key {
                'c' | 'C' => Pressed::Cancel,
                'l' | 'L' => Pressed::Leave,
                _ => Pressed::Say("it goes on"),
            };
        }
        match key {
            ' ' => Pressed::Pause,
            '+' | '=' => Pressed::Speed(Times(2.0)),
            '-' | '_' => Pressed::Speed(Times(0.5)),
            'q' | 'Q' => Pressed::Leave,
            _ => Pressed::Say("space pauses and resumes, + and - change the speed, q leaves"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_takes_the_next_key_for_its_answer() {
        let mut pressing = Pressing::default();
        assert_eq!(pressing.meaning(' '), Pressed::Pause);
        assert_eq!(pressing.meaning('q'), Pressed::Leave);
        pressing.asks = true;
        assert_eq!(pressing.meaning('c'), Pressed::Cancel);
        pressing.asks = true;
        assert_eq!(pressing.meaning(' '), Pressed::Say("it goes on"));
        assert_eq!(pressing.meaning(' '), Pressed::Pause);
    }

    #[test]
    fn a_speed_stays_within_what_is_allowed() {
        assert_eq!(Times(0.5).of(ScaleFactor::MIN), Some(ScaleFactor::MIN));
        assert_eq!(Times(2.0).of(ScaleFactor::MAX), Some(ScaleFactor::MAX));
        let hundred = ScaleFactor::new(100.0).unwrap();
        assert_eq!(Times(2.0).of(hundred), ScaleFactor::new(200.0).ok());
    }
}
