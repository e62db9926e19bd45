//! The two browsers of the end-to-end tests: found, or installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::tools;
use crate::workspace::{Workspace, node_script, run};

/// Where the browsers are. `None`: Playwright brings its own.
#[derive(Default)]
pub(crate) struct Browsers {
    pub(crate) chromium: Option<PathBuf>,
    pub(crate) firefox: Option<PathBuf>,
}

struct Browser {
    /// The variable that names the program, for us and for the end-to-end tests.
    variable: &'static str,
    /// Program names, the preferred first.
    names: &'static [&'static str],
    debian_package: &'static str,
    playwright_name: &'static str,
}

const CHROMIUM: Browser = Browser {
    variable: "CHROMIUM",
    names: &["chromium", "chromium-browser", "google-chrome"],
    debian_package: "chromium",
    playwright_name: "chromium",
};

// Debian's ESR first: Playwright's pinned version is known to drive it.
const FIREFOX: Browser = Browser {
    variable: "FIREFOX",
    names: &["firefox-esr", "firefox"],
    debian_package: "firefox-esr",
    playwright_name: "firefox",
};

/// Finds both browsers, and installs what is missing: on Debian as root by apt, elsewhere by
/// Playwright (so `npm ci` comes first). Says which it took.
pub(crate) fn find_or_install(workspace: &Workspace) -> Result<Browsers> {
    let mut browsers = find()?;
    let missing: Vec<&Browser> = [
        browsers.chromium.is_none().then_some(&CHROMIUM),
        browsers.firefox.is_none().then_some(&FIREFOX),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !missing.is_empty() {
        if is_debian() && is_root() {
            let packages: Vec<_> = missing
                .iter()
                .map(|browser| browser.debian_package)
                .collect();
            println!("  installing by apt: {}", packages.join(", "));
            install_by_apt(&packages)?;
            browsers = find()?;
        } else {
            let names: Vec<_> = missing
                .iter()
                .map(|browser| browser.playwright_name)
                .collect();
            println!("  installing by Playwright: {}", names.join(", "));
            run(node_script("npx", &workspace.end2end())
                .args(["--no-install", "playwright", "install"])
                .args(&names))?;
        }
    }
    for (browser, path) in [
        (&CHROMIUM, &browsers.chromium),
        (&FIREFOX, &browsers.firefox),
    ] {
        let place = path
            .as_ref()
            .map_or("Playwright's own".into(), |p| p.display().to_string());
        println!("  {}: {place}", browser.playwright_name);
    }
    Ok(browsers)
}

fn find() -> Result<Browsers> {
    Ok(Browsers {
        chromium: find_one(&CHROMIUM)?,
        firefox: find_one(&FIREFOX)?,
    })
}

fn find_one(browser: &Browser) -> Result<Option<PathBuf>> {
    if let Some(path) = std::env::var_os(browser.variable).filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        if !starts(&path) {
            bail!(
                "{}={} is not a browser that starts",
                browser.variable,
                path.display()
            );
        }
        return Ok(Some(path));
    }
    let mut folders = vec![PathBuf::from("/usr/bin")];
    folders.extend(std::env::split_paths(
        &std::env::var_os("PATH").unwrap_or_default(),
    ));
    Ok(browser
        .names
        .iter()
        .filter_map(|name| tools::find(name, &folders))
        .find(|path| starts(path)))
}

/// Ubuntu has a `chromium-browser` that only says how to install a snap.
fn starts(path: &Path) -> bool {
    Command::new(path)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
}

fn install_by_apt(packages: &[&str]) -> Result<()> {
    run(Command::new("apt-get").arg("update"))?;
    run(Command::new("apt-get")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args([
            "install",
            "-y",
            "--no-install-recommends",
            "fonts-dejavu-core",
        ])
        .args(packages))
}

/// Not `/etc/debian_version`: Ubuntu has that too, but neither browser as a plain package.
pub(crate) fn is_debian() -> bool {
    std::fs::read_to_string("/etc/os-release")
        .is_ok_and(|text| text.lines().any(|line| line == "ID=debian"))
}

pub(crate) fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
