//! Accessibility, checked by axe-core: every rule that it has for a page.

use anyhow::{Context as _, Result, ensure};
use storehook_tests::root;

use crate::browser::Browser;

/// Checks the page that is open, and returns how many rules looked at something on it.
pub(crate) async fn check(browser: &Browser) -> Result<usize> {
    let axe = root().join("target/clients-node/node_modules/axe-core/axe.min.js");
    let axe = std::fs::read_to_string(&axe).with_context(|| axe.display().to_string())?;
    browser.run(&format!("{axe}; return 0;")).await?;
    // What is folded away is checked as well.
    browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true; });").await?;
    let script = "const done = arguments[arguments.length - 1];
        axe.run(document, { resultTypes: ['violations', 'incomplete'] }).then((found) => done({
            rules: found.passes.length + found.violations.length + found.incomplete.length,
            violations: found.violations.map((rule) => `${rule.id}: ${rule.help}\\n` +
                rule.nodes.map((node) => `    ${node.html}\\n    ${node.failureSummary}`).join('\\n')),
        }), (error) => done({ rules: 0, violations: [String(error)] }));";
    let found = browser.driver.execute_async(script, Vec::new()).await?.json().clone();
    let violations: Vec<_> = found["violations"].as_array().context("no result")?.iter().collect();
    let told: Vec<_> = violations.iter().filter_map(|violation| violation.as_str()).collect();
    ensure!(told.is_empty(), "{} breaks rules of axe:\n{}", browser.path().await?, told.join("\n"));
    Ok(found["rules"].as_u64().context("no number of rules")? as usize)
}
