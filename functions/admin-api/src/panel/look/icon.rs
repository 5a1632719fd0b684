//! Icons: one set, drawn on a grid of 16 by 16, hidden from screen readers. A word is always beside.

use maud::{Markup, html};

/// An icon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Icon {
    Check,
    Cross,
    Dash,
    Dots,
    Pause,
    Plus,
    Turn,
    Warning,
}

impl Icon {
    /// The icon as an inline image.
    pub(crate) fn draw(self) -> Markup {
        html! {
            svg.icon viewBox="0 0 16 16" aria-hidden="true" focusable="false" { path d=(self.path()); }
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Check => "M3 8.5l3.5 3.5L13 4.5",
            Self::Cross => "M4 4l8 8M12 4l-8 8",
            Self::Dash => "M3.5 8h9",
            Self::Dots => "M3.5 8h.01M8 8h.01M12.5 8h.01",
            Self::Pause => "M5.5 3.5v9M10.5 3.5v9",
            Self::Plus => "M8 3v10M3 8h10",
            Self::Turn => "M12.5 8a4.5 4.5 0 1 1-1.4-3.3M12.5 2.5v2.6H9.9",
            Self::Warning => "M8 2.5l6 11H2zM8 6.5v3M8 11.5h.01",
        }
    }
}
