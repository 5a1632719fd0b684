//! The accent colour: the operator's own, and readable whatever it is.
//!
//! Text needs a contrast of 4.5 to 1 (WCAG 2.2, success criterion 1.4.3). So the light scheme
//! darkens the colour, and the dark scheme lightens it, until it has that much against the surface
//! of the scheme. Text on the accent has the colour of the surface, so it is readable as well.

use std::str::FromStr;

/// A colour of sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Colour([u8; 3]);

impl Default for Colour {
    /// A green that is readable on light surfaces as it is.
    fn default() -> Self {
        Self([0x1f, 0x6b, 0x45])
    }
}

/// The surfaces in `panel.css`, of which the accent needs its contrast: light, and dark.
pub(crate) const SURFACES: [Colour; 2] = [Colour([0xf6, 0xf5, 0xf2]), Colour([0x24, 0x24, 0x22])];

const CONTRAST: f64 = 4.5;

/// The text is not a colour.
#[derive(Debug, thiserror::Error)]
#[error("must be a colour like #2f6f4f")]
pub(crate) struct InvalidColour;

impl FromStr for Colour {
    type Err = InvalidColour;

    fn from_str(text: &str) -> Result<Self, InvalidColour> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii());
        let byte = |at: usize| u8::from_str_radix(digits?.get(at..at + 2)?, 16).ok();
        match (byte(0), byte(2), byte(4)) {
            (Some(red), Some(green), Some(blue)) => Ok(Self([red, green, blue])),
            _ => Err(InvalidColour),
        }
    }
}

impl std::fmt::Display for Colour {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [red, green, blue] = self.0;
        write!(formatter, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl Colour {
    /// The colour in the light and in the dark scheme.
    pub(crate) fn readable(self) -> [Self; 2] {
        let [light, dark] = SURFACES;
        [self.towards(Self([0; 3]), light), self.towards(Self([0xff; 3]), dark)]
    }

    /// The nearest mixture with another colour that is readable on a surface.
    fn towards(self, end: Self, surface: Self) -> Self {
        let mixtures = (0..=100).map(|percent| self.mixed(end, percent));
        mixtures.into_iter().find(|colour| colour.contrast(surface) >= CONTRAST).unwrap_or(end)
    }

    fn mixed(self, end: Self, percent: u32) -> Self {
        let mix = |from: u8, to: u8| (u32::from(from) * (100 - percent) + u32::from(to) * percent) / 100;
        let mixed = [0, 1, 2].map(|index| mix(self.0[index], end.0[index]));
        Self(mixed.map(|value| u8::try_from(value).unwrap_or(u8::MAX)))
    }

    /// The contrast ratio of two colours (WCAG 2.2, "contrast ratio").
    fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// The relative luminance (WCAG 2.2, "relative luminance").
    fn luminance(self) -> f64 {
        let linear = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue] = self.0.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_six_hexadecimal_digits() {
        for (text, is_colour) in [
            ("#2f6f4f", true),
            ("#FFFFFF", true),
            ("2f6f4f", false),
            ("#fff", false),
            ("#gggggg", false),
            ("#€€", false),
        ] {
            assert_eq!(text.parse::<Colour>().is_ok(), is_colour, "{text}");
        }
    }

    #[test]
    fn a_readable_colour_stays_as_it_is() -> Result<(), InvalidColour> {
        let green: Colour = "#1f6b45".parse()?;
        assert_eq!(green.readable()[0], green);
        Ok(())
    }

    #[test]
    fn any_accent_is_readable_in_both_schemes() {
        const STEPS: [u8; 6] = [0x00, 0x33, 0x66, 0x99, 0xcc, 0xff];
        for index in 0..STEPS.len().pow(3) {
            let accent = Colour([1, 6, 36].map(|place| STEPS[index / place % STEPS.len()]));
            for (colour, surface) in accent.readable().into_iter().zip(SURFACES) {
                assert!(colour.contrast(surface) >= CONTRAST, "{accent} became {colour}");
            }
        }
    }

    #[test]
    fn the_contrast_of_black_and_white_is_21() {
        assert!((Colour([0; 3]).contrast(Colour([0xff; 3])) - 21.0).abs() < 1e-9);
    }
}
