//! The panel's files: one stylesheet, htmx, and a script of our own. All are in the binary.
//!
//! Their URLs hold the hash of their content, so browsers keep them for ever and load a new one when
//! it changes. The stylesheet begins with the operator's accent colour. Nothing is computed before
//! the first page is asked for.

pub(crate) mod route;

use std::sync::{Arc, OnceLock};

use sha2::{Digest as _, Sha256};

use crate::panel::look::brand::Brand;

/// htmx 2.0.11, from the npm package `htmx.org`; its licence (0BSD) is beside it.
const HTMX: &str = include_str!("htmx-2.0.11.min.js");
const SCRIPT: &str = include_str!("panel.js");
const STYLE: &str = include_str!("panel.css");

/// What htmx must not do: run text as code, add styles of its own, keep pages in the browser's
/// storage. It shows the page of an error as it shows any other.
pub(crate) const HTMX_CONFIG: &str = r#"{"allowEval":false,"includeIndicatorStyles":false,"historyCacheSize":0,"refreshOnHistoryMiss":true,"selfRequestsOnly":true,"responseHandling":[{"code":"204","swap":false},{"code":".*","swap":true}]}"#;

/// The paths of the files.
pub(crate) struct Links {
    pub(crate) style: String,
    pub(crate) htmx: String,
    pub(crate) script: String,
}

/// The files as they are served, once somebody has asked for them.
#[derive(Clone, Default)]
pub(crate) struct Assets(Arc<OnceLock<Files>>);

/// The files and their paths.
struct Files {
    links: Links,
    style: String,
}

impl Assets {
    /// The paths of the files, for a page.
    pub(crate) fn links(&self, brand: &Brand) -> &Links {
        &self.files(brand).links
    }

    /// The type and the content of the file with this path.
    pub(crate) fn file(&self, brand: &Brand, path: &str) -> Option<(&'static str, &str)> {
        let Files { links, style } = self.files(brand);
        match path {
            path if path == links.style => Some(("text/css; charset=utf-8", style)),
            path if path == links.htmx => Some(("text/javascript; charset=utf-8", HTMX)),
            path if path == links.script => Some(("text/javascript; charset=utf-8", SCRIPT)),
            _ => None,
        }
    }

    fn files(&self, brand: &Brand) -> &Files {
        self.0.get_or_init(|| Files::of(brand))
    }
}

impl Files {
    fn of(brand: &Brand) -> Self {
        let [light, dark] = brand.accent.readable();
        let style = format!(
            ":root{{--accent:{light}}}@media (prefers-color-scheme:dark){{:root{{--accent:{dark}}}}}\n{STYLE}"
        );
        let links = Links {
            style: path("panel", "css", &style),
            htmx: path("htmx", "js", HTMX),
            script: path("panel", "js", SCRIPT),
        };
        Self { links, style }
    }
}

fn path(name: &str, kind: &str, content: &str) -> String {
    let hash = hex::encode(&Sha256::digest(content.as_bytes())[..8]);
    format!("/panel/assets/{name}-{hash}.{kind}")
}
