//! The links from each page of a list to the others.

use anyhow::{Context as _, Result};
use reqwest::{Method, StatusCode};
use storehook_domain::history::state::DeliveryState;
use storehook_tests::{Api, Stack};

/// Whoever follows the links sees each webhook once, in either direction.
#[tokio::test]
async fn links_lead_through_all_pages_and_back_with_the_filters_of_the_list() -> Result<()> {
    let stack = Stack::with_direct_api().await?;
    let (api, url) = (stack.install().await?.api, &stack.api_url);
    let mut all = Vec::new();
    for number in 0..5 {
        all.push(api.create_webhook("orders/create", &format!("https://a.example/{number}")).await?);
        api.create_webhook("orders/paid", &format!("https://a.example/{number}")).await?;
    }
    let mut path =
        format!("/api/webhooks.json?topic=order:new&limit=2&since_id={}&fields=id,topic", all[0] - 1);
    for (expected, previous, next) in
        [(&all[..2], false, true), (&all[2..4], true, true), (&all[4..], true, false)]
    {
        let (shown, links) = page(&api, url, &path).await?;
        assert_eq!(
            (&shown[..], links[0].is_some(), links[1].is_some()),
            (expected, previous, next),
            "{path}"
        );
        path = links[1].clone().or(links[0].clone()).context("no link")?;
        assert!(path.starts_with("/api/webhooks.json?limit=2&fields=id%2Ctopic&page_info="), "{path}");
    }
    for (expected, previous, next) in [(&all[2..4], true, true), (&all[..2], false, true)] {
        let (shown, links) = page(&api, url, &path).await?;
        assert_eq!(
            (&shown[..], links[0].is_some(), links[1].is_some()),
            (expected, previous, next),
            "{path}"
        );
        path = links[0].clone().or(links[1].clone()).context("no link")?;
    }
    // By number as well, and there is no way on beyond the end.
    for (query, previous, next) in [
        ("limit=4&page=2", true, true),
        ("limit=4&page=3", true, false),
        ("limit=5&page=2", true, false),
        ("limit=4&page=9", false, false),
        ("limit=10", false, false),
    ] {
        let (_, links) = page(&api, url, &format!("/admin/webhooks.json?{query}")).await?;
        assert_eq!((links[0].is_some(), links[1].is_some()), (previous, next), "{query}");
    }
    Ok(())
}

/// The ids that a page shows, and where its links lead: to the page before and to the page after.
async fn page(api: &Api, url: &str, path: &str) -> Result<(Vec<u64>, [Option<String>; 2])> {
    let response = api.call(Method::GET, path, None).await?;
    assert_eq!(response.status, StatusCode::OK, "{path}: {}", response.json);
    let webhooks = response.json["webhooks"].as_array().context("no list")?;
    let ids = webhooks.iter().map(|webhook| webhook["id"].as_u64().context("no id"));
    let link = |relation: &str| {
        let end = format!(">; rel=\"{relation}\"");
        let mut links = response.header("link").split(", ");
        let link = links.find_map(|link| link.strip_suffix(&end)?.strip_prefix('<'))?;
        Some(link.strip_prefix(url)?.to_owned())
    };
    Ok((ids.collect::<Result<_>>()?, [link("previous"), link("next")]))
}

#[tokio::test]
async fn the_link_of_a_list_of_deliveries_leads_to_the_next_page_with_its_filters() -> Result<()> {
    let stack = Stack::with_direct_api().await?;
    let installed = stack.install().await?;
    let id = installed.api.create_webhook("orders/create", "https://a.example/").await?;
    let now = storehook_aws::now();
    let made = ["a", "b", "c"].map(|event| (event, now, DeliveryState::Dead));
    stack.have_delivered(&installed, id, &made).await?;
    stack.have_delivered(&installed, id, &[("d", now, DeliveryState::Held)]).await?;
    let mut path = format!("/admin/webhooks/{id}/deliveries.json?state=dead&limit=2");
    let mut shown = Vec::new();
    loop {
        let response = installed.api.call(Method::GET, &path, None).await?;
        assert_eq!(response.status, StatusCode::OK, "{path}: {}", response.json);
        let deliveries = response.json["deliveries"].as_array().context("no list")?;
        shown.extend(
            deliveries.iter().filter_map(|delivery| delivery["event_id"].as_str().map(str::to_owned)),
        );
        let link = response.header("link");
        assert_eq!(link.is_empty(), response.json["page_info"].is_null(), "{link}");
        let Some(next) = link.strip_suffix(">; rel=\"next\"") else { break };
        path = next
            .strip_prefix('<')
            .and_then(|url| url.strip_prefix(&stack.api_url))
            .context("no path")?
            .to_owned();
    }
    shown.sort();
    assert_eq!(shown, ["a", "b", "c"]);
    Ok(())
}
