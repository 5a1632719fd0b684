//! A browser without a screen: it keeps its cookie and says where its requests come from.

use anyhow::{Context as _, Result, ensure};
use reqwest::{
    Client, Method, Response, StatusCode,
    header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE},
    redirect::Policy,
};
use storehook_tests::{Installed, Stack, client_builder};

/// Somebody who is signed in.
pub(super) struct Visitor {
    client: Client,
    url: String,
    cookie: String,
}

impl Visitor {
    /// Somebody who is not signed in.
    pub(super) fn new(stack: &Stack) -> Result<Self> {
        let client = client_builder()?.redirect(Policy::none()).build()?;
        Ok(Self { client, url: stack.api_url.clone(), cookie: String::new() })
    }

    /// Somebody who has signed in with a token.
    pub(super) async fn signed_in(stack: &Stack, installed: &Installed) -> Result<Self> {
        let mut visitor = Self::new(stack)?;
        let response = visitor.post("/panel/sign-in", &format!("token={}", installed.token)).await?;
        ensure!(
            response.status() == StatusCode::SEE_OTHER,
            "{}: {}",
            response.status(),
            response.text().await?
        );
        let cookie = response.headers().get(SET_COOKIE).context("no cookie")?.to_str()?;
        visitor.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Ok(visitor)
    }

    /// Loads a page.
    pub(super) async fn get(&self, path: &str) -> Result<Response> {
        self.send(Method::GET, path, None, &[]).await
    }

    /// Sends a form from a page of the panel.
    pub(super) async fn post(&self, path: &str, form: &str) -> Result<Response> {
        self.send(Method::POST, path, Some(form), &[("sec-fetch-site", "same-origin")]).await
    }

    /// Sends any request.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        form: Option<&str>,
        headers: &[(&str, &str)],
    ) -> Result<Response> {
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        if !self.cookie.is_empty() {
            request = request.header(COOKIE, &self.cookie);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(form) = form {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form.to_owned());
        }
        Ok(request.send().await?)
    }

    /// The id of the session: the cookie's value.
    pub(super) fn session_id(&self) -> &str {
        self.cookie.split_once('=').map_or("", |(_, id)| id)
    }

    /// Whether the session is still good.
    pub(super) async fn is_signed_in(&self) -> Result<bool> {
        let response = self.get("/panel").await?;
        match response.status() {
            StatusCode::OK => Ok(true),
            StatusCode::SEE_OTHER => {
                let location = response.headers().get(LOCATION).context("nowhere to go")?.to_str()?;
                ensure!(location.starts_with("/panel/sign-in"), "{location} is not the sign-in page");
                Ok(false)
            }
            other => anyhow::bail!("{other}: {}", response.text().await?),
        }
    }
}
