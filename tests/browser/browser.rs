//! A browser: Chromium behind a `chromedriver` of its own. Both end with the value.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use storehook_tests::{Installed, eventually, root};
use thirtyfour::prelude::*;
use tokio::process::Child;

use crate::chromedriver;

/// A test of the panel.
pub(crate) type Test = fn() -> futures::future::BoxFuture<'static, Result<()>>;

/// How somebody looks at the panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) is_dark: bool,
    pub(crate) is_phone: bool,
    pub(crate) has_scripts: bool,
}

impl Look {
    pub(crate) const DESKTOP: Self = Self { is_dark: false, is_phone: false, has_scripts: true };

    /// Every combination of scheme and screen.
    pub(crate) const ALL: [Self; 4] = [
        Self::DESKTOP,
        Self { is_dark: true, ..Self::DESKTOP },
        Self { is_phone: true, ..Self::DESKTOP },
        Self { is_dark: true, is_phone: true, ..Self::DESKTOP },
    ];

    /// `light-desktop`.
    pub(crate) fn name(self) -> String {
        let scheme = if self.is_dark { "dark" } else { "light" };
        let screen = if self.is_phone { "phone" } else { "desktop" };
        format!("{scheme}-{screen}")
    }
}

/// A browser that looks at one stack's panel.
pub(crate) struct Browser {
    pub(crate) driver: WebDriver,
    /// Where the panel is, up to `/panel`.
    base: String,
    has_scripts: bool,
    _chromedriver: Child,
}

impl Browser {
    /// Opens a browser. `base` is where the stack's API is.
    pub(crate) async fn open(base: &str, look: Look) -> Result<Self> {
        let (chromedriver, port) = chromedriver::start().await?;
        let mut capabilities = DesiredCapabilities::chrome();
        for argument in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
        ] {
            capabilities.add_arg(argument)?;
        }
        if !look.has_scripts {
            let preferences = json!({"profile.managed_default_content_settings.javascript": 2});
            capabilities.add_experimental_option("prefs", preferences)?;
        }
        let driver = WebDriver::new(format!("http://127.0.0.1:{port}"), capabilities).await?;
        let browser = Self {
            driver,
            base: base.to_owned(),
            has_scripts: look.has_scripts,
            _chromedriver: chromedriver,
        };
        browser.look(look).await?;
        Ok(browser)
    }

    /// Changes how the panel is looked at.
    pub(crate) async fn look(&self, look: Look) -> Result<()> {
        let scheme = if look.is_dark { "dark" } else { "light" };
        let (width, height) = if look.is_phone { (360, 740) } else { (1280, 900) };
        self.resize(width, height, look.is_phone).await?;
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}]);
        self.devtools("Emulation.setEmulatedMedia", json!({"features": features})).await?;
        Ok(())
    }

    async fn resize(&self, width: u32, height: u32, is_phone: bool) -> Result<()> {
        let metrics = json!({"width": width, "height": height, "screenWidth": width, "screenHeight": height, "deviceScaleFactor": 1, "mobile": is_phone});
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await?;
        Ok(())
    }

    async fn devtools(&self, command: &str, parameters: Value) -> Result<Value> {
        self.driver.cdp().send_raw(command, parameters).await.with_context(|| command.to_owned())
    }

    /// Opens a page of the panel.
    pub(crate) async fn goto(&self, path: &str) -> Result<()> {
        self.driver.goto(format!("{}{path}", self.base)).await.with_context(|| path.to_owned())
    }

    /// The path and query of the page that is open.
    pub(crate) async fn path(&self) -> Result<String> {
        let url = self.driver.current_url().await?;
        Ok(url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path())))
    }

    /// Signs in with a token, by the form.
    pub(crate) async fn sign_in(&self, installed: &Installed) -> Result<()> {
        self.goto("/panel/sign-in").await?;
        self.fill("Access token", &installed.token).await?;
        self.press("Sign in").await?;
        self.see(&format!("{} on {}", installed.app, installed.shop)).await
    }

    /// The link or button with this text or accessible name.
    pub(crate) async fn control(&self, name: &str) -> Result<WebElement> {
        let path = format!(
            "//*[self::a or self::button or self::summary][normalize-space()={0} or @aria-label={0}]",
            quoted(name)
        );
        let found = self.driver.query(By::XPath(path)).and_displayed().first().await;
        match found {
            Ok(found) => Ok(found),
            Err(_) => bail!("no link or button {name:?} on {}:\n{}", self.path().await?, self.text().await?),
        }
    }

    /// Follows the link, or presses the button, with this name.
    pub(crate) async fn press(&self, name: &str) -> Result<()> {
        let control = self.control(name).await?;
        control.scroll_into_view().await?;
        control.click().await.with_context(|| name.to_owned())
    }

    /// The input with this label.
    pub(crate) async fn field(&self, label: &str) -> Result<WebElement> {
        let label_path = By::XPath(format!("//label[normalize-space()={}]", quoted(label)));
        let Ok(label_element) = self.driver.query(label_path).first().await else {
            bail!("no label {label:?} on {}:\n{}", self.path().await?, self.text().await?);
        };
        let id = label_element
            .attr("for")
            .await?
            .with_context(|| format!("the label {label:?} names no input"))?;
        Ok(self.driver.find(By::Id(id)).await?)
    }

    /// Writes into the input with this label, in place of what is there.
    pub(crate) async fn fill(&self, label: &str, text: &str) -> Result<()> {
        let field = self.field(label).await?;
        field.clear().await?;
        Ok(field.send_keys(text).await?)
    }

    /// The text of the page.
    pub(crate) async fn text(&self) -> Result<String> {
        Ok(self.driver.find(By::Css("body")).await?.text().await?)
    }

    /// Waits until the page has this text.
    pub(crate) async fn see(&self, text: &str) -> Result<()> {
        let what = format!("the page to say {text:?}");
        let seen = eventually(&what, || async {
            // While a page is replaced, its elements are stale.
            let shown = self.text().await.unwrap_or_default();
            Ok(shown.contains(text).then_some(()))
        });
        match tokio::time::timeout(Duration::from_secs(60), seen).await {
            Ok(seen) => seen,
            Err(_) => bail!("{text:?} is not on {}:\n{}", self.path().await?, self.text().await?),
        }
    }

    /// Waits until the page shows this by itself; without JavaScript, reloads it until it does.
    pub(crate) async fn follow(&self, text: &str) -> Result<()> {
        if self.has_scripts { self.see(text).await } else { self.reload_until(text).await }
    }

    /// Reloads the page until it has this text.
    pub(crate) async fn reload_until(&self, text: &str) -> Result<()> {
        let what = format!("a reloaded page to say {text:?}");
        let seen = eventually(&what, || async {
            self.driver.refresh().await?;
            Ok(self.text().await?.contains(text).then_some(()))
        });
        match tokio::time::timeout(Duration::from_secs(90), seen).await {
            Ok(seen) => seen,
            Err(_) => bail!("{text:?} is not on {}:\n{}", self.path().await?, self.text().await?),
        }
    }

    /// Runs a script in the page.
    pub(crate) async fn run(&self, script: &str) -> Result<Value> {
        Ok(self.driver.execute(script, Vec::new()).await?.json().clone())
    }

    /// Writes a picture of the whole page to `target/panel/`.
    pub(crate) async fn picture(&self, name: &str) -> Result<()> {
        let folder = root().join("target/panel");
        std::fs::create_dir_all(&folder)?;
        let taken = self.devtools("Page.captureScreenshot", json!({"captureBeyondViewport": true})).await?;
        let data = taken["data"].as_str().context("no picture")?;
        let picture = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, data)?;
        Ok(std::fs::write(folder.join(format!("{name}.png")), picture)?)
    }

    /// Fails if something on the page is wider than the screen; on a phone also at 320 pixels, which
    /// is what is left of 1,280 at a zoom of 400 %.
    pub(crate) async fn must_fit(&self, look: Look) -> Result<()> {
        self.must_fit_now().await?;
        if look.is_phone {
            self.resize(320, 740, true).await?;
            self.must_fit_now().await?;
            self.look(look).await?;
        }
        Ok(())
    }

    async fn must_fit_now(&self) -> Result<()> {
        let widths = self.run("return [document.documentElement.scrollWidth, window.screen.width];").await?;
        let (content, screen) = (widths[0].as_u64(), widths[1].as_u64());
        ensure!(content <= screen, "{} is {content:?} wide on a screen of {screen:?}", self.path().await?);
        Ok(())
    }

    /// Fails if the browser reported a problem: a blocked script, a failed load, an exception.
    pub(crate) async fn must_be_quiet(&self) -> Result<()> {
        let log = self.driver.browser_log().await?;
        let loud: Vec<_> = log.iter().map(|entry| entry.message.as_str()).collect();
        // A refused form is a response with the status 422, which the browser reports as well.
        let loud: Vec<_> = loud.into_iter().filter(|line| !line.contains("status of 4")).collect();
        ensure!(loud.is_empty(), "the browser reported on {}: {loud:#?}", self.path().await?);
        Ok(())
    }

    /// Closes the browser.
    pub(crate) async fn close(self) -> Result<()> {
        Ok(self.driver.quit().await?)
    }
}

/// A text as a string of XPath, which knows no escapes.
fn quoted(text: &str) -> String {
    if text.contains('\'') { format!("\"{text}\"") } else { format!("'{text}'") }
}
