//! The operator's brand: name, logo and accent colour of the panel.
//!
//! They are deploy parameters. CloudFormation allows 4,096 bytes for a parameter's value, and Lambda
//! 4 KB for all of a function's variables together ("Lambda quotas"), so a logo has at most
//! [`LOGO_LIMIT`] characters: enough for an SVG.

use storehook_aws::{Environment, SettingError};

use crate::panel::look::accent::Colour;

/// The longest logo, in characters of its data URL.
pub(crate) const LOGO_LIMIT: usize = 2_048;

/// The longest name, in characters.
const NAME_LIMIT: usize = 40;

/// The panel's brand.
#[derive(Debug, Clone)]
pub struct Brand {
    /// The name: `PANEL_NAME`.
    pub(crate) name: String,
    /// The logo, as a data URL: `PANEL_LOGO`.
    pub(crate) logo: Option<String>,
    /// The accent colour: `PANEL_ACCENT`.
    pub(crate) accent: Colour,
}

/// Why a brand is refused.
#[derive(Debug, thiserror::Error)]
enum InvalidBrand {
    #[error("must have 1 to {NAME_LIMIT} characters")]
    Name,
    #[error("must be a data URL of an image in base64, of at most {LOGO_LIMIT} characters")]
    Logo,
}

impl Brand {
    /// Reads the settings.
    pub(crate) fn read(environment: &Environment) -> Result<Self, SettingError> {
        Ok(Self {
            name: environment.parsed("PANEL_NAME", Name::parse)?.0,
            logo: environment.parsed("PANEL_LOGO", logo)?,
            accent: environment.parsed("PANEL_ACCENT", str::parse)?,
        })
    }
}

struct Name(String);

impl Default for Name {
    fn default() -> Self {
        Self("Storehook".to_owned())
    }
}

impl Name {
    fn parse(text: &str) -> Result<Self, InvalidBrand> {
        let name = text.trim();
        let is_short = (1..=NAME_LIMIT).contains(&name.chars().count());
        if is_short { Ok(Self(name.to_owned())) } else { Err(InvalidBrand::Name) }
    }
}

fn logo(text: &str) -> Result<Option<String>, InvalidBrand> {
    const IMAGES: [&str; 4] = ["svg+xml", "png", "jpeg", "webp"];
    if text.is_empty() {
        return Ok(None);
    }
    let image = text.strip_prefix("data:image/").and_then(|rest| rest.split_once(";base64,"));
    let is_base64 =
        |data: &str| data.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
    match image {
        Some((kind, data)) if IMAGES.contains(&kind) && is_base64(data) && text.len() <= LOGO_LIMIT => {
            Ok(Some(text.to_owned()))
        }
        _ => Err(InvalidBrand::Logo),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_not_blank() {
        for (text, expected) in [
            ("  ", None),
            (" Acme ", Some("Acme")),
            (&"é".repeat(40), Some(&*"é".repeat(40))),
            (&"é".repeat(41), None),
        ] {
            let name = Name::parse(text).ok().map(|Name(name)| name);
            assert_eq!(name.as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_logo_is_a_small_image_in_the_url_itself() {
        for (text, is_logo) in [
            ("data:image/svg+xml;base64,PHN2Zy8+", true),
            ("data:image/png;base64,iVBORw0KGgo=", true),
            ("data:text/html;base64,PHA+", false),
            ("data:image/svg+xml,<svg/>", false),
            ("https://a.example/logo.png", false),
            ("data:image/png;base64,\"><script>", false),
        ] {
            assert_eq!(logo(text).is_ok(), is_logo, "{text}");
        }
        let long = |data: usize| format!("data:image/png;base64,{}", "A".repeat(data));
        assert!(logo(&long(LOGO_LIMIT - 22)).is_ok());
        assert!(logo(&long(LOGO_LIMIT - 21)).is_err());
    }
}
