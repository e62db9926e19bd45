//! What browsers load, into `target/site`: the lab's wasm bundle, the style sheet, the public files.
//!
//! Names carry a hash of the content, so that a browser may keep a file for ever. Each file lies
//! beside its brotli form, and `manifest.json` tells the server the names of today. Files come
//! first and the manifest last, each by a rename: whoever reads the manifest finds all that it names.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result, anyhow, bail};
use brotli::enc::BrotliEncoderParams;
use data_encoding::HEXLOWER;
use lightningcss::bundler::{Bundler, FileProvider};
use lightningcss::stylesheet::{MinifyOptions, ParserOptions, PrinterOptions};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use walrus::ir::{Call, Visitor, dfs_in_order};
use walrus::{FunctionBuilder, FunctionId, FunctionKind, Module};
use wasm_bindgen_cli_support::Bindgen;

use crate::workspace::{Profile, Workspace, run};

const MANIFEST: &str = "manifest.json";

/// From the names that pages use to those with a hash: `style.css` to `style.<hash>.css`, and the stem
/// of a bundle, `lab`, to `lab.<hash>`, to which `.js` and `_bg.wasm` are added.
type Manifest = BTreeMap<String, String>;

/// The files in `target/site` that belong there.
pub(crate) struct Site {
    folder: PathBuf,
    names: Vec<String>,
}

/// What the last build was made from and what it wrote. Beside the folder, not in it: everything
/// in the folder is served.
#[derive(Serialize, Deserialize)]
struct Stamp {
    inputs: String,
    names: Vec<String>,
}

/// Builds the assets. Leaves everything as it is when nothing changed since the last build. Files of
/// the build before stay until [`Site::sweep`], since a server may still be using them.
pub(crate) fn build(workspace: &Workspace, profile: Profile) -> Result<Site> {
    let folder = workspace.root.join("target/site");
    let stamp_path = workspace.root.join("target/site.stamp");

    let wasm = fs::read(compile(workspace, profile)?).context("cannot read the compiled wasm")?;
    let css = stylesheet(&workspace.root.join("style/main.css"))?;
    let public = public_files(&workspace.root.join("style/public"))?;

    let inputs = fingerprint(profile, &wasm, &css, &public)?;
    if let Some(names) = unchanged(&stamp_path, &inputs, &folder) {
        println!("  unchanged");
        return Ok(Site { folder, names });
    }

    let lab = Bundle::new(wasm, profile)?;
    let mut manifest = Manifest::new();
    let mut files = BTreeMap::new();
    let css = ("style.css".to_owned(), css.into_bytes());
    for (name, bytes) in public.into_iter().chain([css]) {
        let hashed = hashed(&name, &bytes);
        manifest.insert(name, hashed.clone());
        files.insert(hashed, bytes);
    }
    manifest.insert("lab".to_owned(), lab.name.clone());
    files.insert(format!("{}.js", lab.name), lab.js);
    files.insert(format!("{}_bg.wasm", lab.name), lab.wasm);
    let files = with_brotli(files, profile)?;

    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    for (name, bytes) in &files {
        place(&folder, name, bytes)?;
    }
    place(&folder, MANIFEST, &serde_json::to_vec_pretty(&manifest)?)?;

    let names: Vec<String> = files
        .into_keys()
        .chain(std::iter::once(MANIFEST.to_owned()))
        .collect();
    let stamp = Stamp { inputs, names };
    fs::write(&stamp_path, serde_json::to_vec_pretty(&stamp)?)
        .with_context(|| stamp_path.display().to_string())?;
    Ok(Site {
        folder,
        names: stamp.names,
    })
}

impl Site {
    /// Removes what earlier builds left.
    pub(crate) fn sweep(&self) -> Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if !self
                .names
                .iter()
                .any(|name| entry.file_name() == name.as_str())
            {
                fs::remove_file(entry.path())
                    .with_context(|| format!("cannot remove {}", entry.path().display()))?;
            }
        }
        Ok(())
    }
}

/// Compiles `frontend` for the browser and returns where the module is.
fn compile(workspace: &Workspace, profile: Profile) -> Result<PathBuf> {
    let (cargo_profile, folder) = match profile {
        Profile::Debug => ("dev", "debug"),
        Profile::Release => ("wasm-release", "wasm-release"),
    };
    run(workspace
        .cargo()
        .args([
            "build",
            "--package",
            "frontend",
            "--target",
            "wasm32-unknown-unknown",
        ])
        .args(["--profile", cargo_profile]))?;
    Ok(workspace
        .target
        .join("wasm32-unknown-unknown")
        .join(folder)
        .join("frontend.wasm"))
}

struct Bundle {
    name: String,
    js: Vec<u8>,
    wasm: Vec<u8>,
}

impl Bundle {
    fn new(module: Vec<u8>, profile: Profile) -> Result<Self> {
        let release = profile == Profile::Release;
        let mut output = Bindgen::new()
            .input_bytes("lab", module)
            .web(true)?
            .typescript(false)
            .remove_name_section(release)
            .remove_producers_section(release)
            .generate_output()
            .context("wasm-bindgen")?;
        // Before the optimiser, some of them have callers that nobody calls.
        if release {
            leave_out(output.wasm_mut(), NEVER_RUN)?;
        }
        let wasm = output.wasm_mut().emit_wasm();
        let js = output.js();
        // Crates list snippets that nothing calls (js-sys does); what counts is an import of one.
        if js.contains("./snippets/") {
            bail!("a crate brings JavaScript of its own, which the bundle has no place for");
        }
        let name = format!("lab.{}", hash(&[js.as_bytes(), &wasm]));
        let js = js
            .replace("lab_bg.wasm", &format!("{name}_bg.wasm"))
            .into_bytes();
        Ok(Self { name, js, wasm })
    }
}

/// The bodies of what every view in a box has a function for, and only a page that is one island as a
/// whole runs: `leptos::mount::hydrate_lazy`. A seventh of the bundle, for nothing.
const NEVER_RUN: &str = "hydrate_async::{{closure}}";

/// Empties the functions whose names end so, and takes out what only they called.
///
/// The optimiser gives functions of the same code one name, so that what bears this one may be called
/// by others too: one that is left and calls one is an error here, and not in the browser. What stands
/// inside such a body is made by it alone. Only calls by address cannot be seen; those of these
/// functions come from who waits for them, and nobody does.
fn leave_out(module: &mut Module, end: &str) -> Result<()> {
    let named = |name: Option<&str>| name.is_some_and(|name| path(name).ends_with(end));
    let functions: HashSet<FunctionId> = module
        .funcs
        .iter()
        .filter(|it| matches!(it.kind, FunctionKind::Local(_)) && named(it.name.as_deref()))
        .map(|it| it.id())
        .collect();
    if functions.is_empty() {
        bail!("the bundle has no function {end}: it has no names, or nothing to leave out");
    }
    for id in &functions {
        let ty = module.funcs.get(*id).ty();
        let (parameters, results) = module.types.params_results(ty);
        let (parameters, results) = (parameters.to_vec(), results.to_vec());
        let mut empty = FunctionBuilder::new(&mut module.types, &parameters, &results);
        empty.func_body().unreachable();
        let arguments = parameters.iter().map(|ty| module.locals.add(*ty)).collect();
        module.funcs.get_mut(*id).kind = FunctionKind::Local(empty.local_func(arguments));
    }
    walrus::passes::gc::run(module);
    for function in module.funcs.iter() {
        let inside = function.name.as_deref().is_some_and(|it| it.contains(end));
        let FunctionKind::Local(body) = &function.kind else {
            continue;
        };
        let mut calls = Calls::default();
        dfs_in_order(&mut calls, body, body.entry_block());
        if !inside && calls.0.iter().any(|called| functions.contains(called)) {
            let caller = function
                .name
                .as_deref()
                .unwrap_or("a function without a name");
            bail!("{caller} calls what ends in {end}, which is to be left out");
        }
    }
    Ok(())
}

/// A function's name without the hash that the compiler puts at its end.
fn path(name: &str) -> &str {
    match name.rsplit_once("::h") {
        Some((path, hash))
            if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
        {
            path
        }
        _ => name,
    }
}

/// The functions that a body calls by their names.
#[derive(Default)]
struct Calls(Vec<FunctionId>);

impl Visitor<'_> for Calls {
    fn visit_call(&mut self, call: &Call) {
        self.0.push(call.func);
    }
}

/// `entry` and all that it imports as one minified sheet. No browser targets: nothing is rewritten
/// for old browsers.
fn stylesheet(entry: &Path) -> Result<String> {
    if !entry.is_file() {
        bail!("{} is missing", entry.display());
    }
    let files = FileProvider::new();
    let mut bundler = Bundler::new(&files, None, ParserOptions::default());
    // The errors borrow from `files`.
    let mut sheet = bundler.bundle(entry).map_err(|error| anyhow!("{error}"))?;
    sheet
        .minify(MinifyOptions::default())
        .map_err(|error| anyhow!("{error}"))?;
    let printed = sheet.to_css(PrinterOptions {
        minify: true,
        ..PrinterOptions::default()
    })?;
    Ok(printed.code)
}

/// The files of `style/public`.
fn public_files(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    if !folder.is_dir() {
        return Ok(files);
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.with_context(|| format!("{}: not UTF-8", path.display()))?;
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            bail!("{}: assets have no folders", path.display());
        }
        if !name.contains('.') || name.ends_with(".br") {
            bail!(
                "{}: name it with an ending that says its type",
                path.display()
            );
        }
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        files.insert(name.to_owned(), bytes);
    }
    Ok(files)
}

/// Adds `<name>.br` for each file that gets smaller.
fn with_brotli(
    mut files: BTreeMap<String, Vec<u8>>,
    profile: Profile,
) -> Result<BTreeMap<String, Vec<u8>>> {
    // 11 takes seconds for the wasm, which the loop of editing and looking does not have.
    let quality = match profile {
        Profile::Debug => 5,
        Profile::Release => 11,
    };
    let parameters = BrotliEncoderParams {
        quality,
        ..BrotliEncoderParams::default()
    };
    let mut compressed = BTreeMap::new();
    for (name, bytes) in &files {
        if !is_compressible(name) {
            continue;
        }
        let mut smaller = Vec::new();
        brotli::BrotliCompress(&mut bytes.as_slice(), &mut smaller, &parameters)
            .with_context(|| format!("cannot compress {name}"))?;
        println!(
            "  {name}: {} bytes, {} with brotli",
            bytes.len(),
            smaller.len()
        );
        if smaller.len() < bytes.len() {
            compressed.insert(format!("{name}.br"), smaller);
        }
    }
    files.append(&mut compressed);
    Ok(files)
}

/// Images and fonts in their own formats are compressed already.
fn is_compressible(name: &str) -> bool {
    let extension = Path::new(name)
        .extension()
        .and_then(|extension| extension.to_str());
    matches!(
        extension,
        Some("css" | "ico" | "js" | "json" | "svg" | "txt" | "wasm" | "webmanifest" | "xml")
    )
}

/// Whole or not at all: written beside the folder, then renamed into it.
fn place(folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let temporary = folder.with_extension("new");
    fs::write(&temporary, bytes).with_context(|| temporary.display().to_string())?;
    fs::rename(&temporary, folder.join(name))
        .with_context(|| folder.join(name).display().to_string())
}

/// The name of a file with this content: `style.css` becomes `style.<hash>.css`.
fn hashed(name: &str, bytes: &[u8]) -> String {
    let (stem, ending) = name.split_once('.').unwrap_or((name, ""));
    format!("{stem}.{}.{ending}", hash(&[bytes]))
}

/// 16 hexadecimal digits: 64 bits tell apart all versions that a browser may ever have kept.
fn hash(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    HEXLOWER.encode(&hasher.finalize()[..8])
}

/// A hash of all that the assets are made from, this program included.
fn fingerprint(
    profile: Profile,
    wasm: &[u8],
    css: &str,
    public: &BTreeMap<String, Vec<u8>>,
) -> Result<String> {
    // Size and time instead of content: the program is larger than all its inputs together.
    let program = fs::metadata(std::env::current_exe()?)?;
    let built = program.modified()?.duration_since(UNIX_EPOCH)?.as_nanos();
    let header = format!("{profile:?} {} {built}", program.len());
    let mut parts = vec![header.as_bytes(), wasm, css.as_bytes()];
    for (name, bytes) in public {
        parts.extend([name.as_bytes(), bytes.as_slice()]);
    }
    Ok(hash(&parts))
}

/// The names of the last build's files, if it had the same inputs and all of them are still there.
fn unchanged(stamp: &Path, inputs: &str, folder: &Path) -> Option<Vec<String>> {
    let stamp: Stamp = serde_json::from_slice(&fs::read(stamp).ok()?).ok()?;
    let whole = stamp.names.iter().all(|name| folder.join(name).is_file());
    (stamp.inputs == inputs && whole).then_some(stamp.names)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module with a function of this name, and one that calls it or does not.
    fn module(name: &str, is_called: bool) -> (Module, FunctionId) {
        let mut module = Module::default();
        let mut body = FunctionBuilder::new(&mut module.types, &[], &[]);
        body.name(name.to_owned());
        body.func_body().i32_const(7).drop();
        let body = body.finish(Vec::new(), &mut module.funcs);
        // As by a table: whose address is taken is not taken out by itself.
        module.exports.add("by_address", body);
        let mut caller = FunctionBuilder::new(&mut module.types, &[], &[]);
        if is_called {
            caller.func_body().call(body);
        }
        let caller = caller.finish(Vec::new(), &mut module.funcs);
        module.exports.add("caller", caller);
        (module, body)
    }

    #[test]
    fn what_nobody_calls_is_emptied_and_what_somebody_calls_is_an_error() {
        const NAME: &str = "<T as RenderHtml>::hydrate_async::{{closure}}::h0123456789abcdef";
        let (mut unused, body) = module(NAME, false);
        leave_out(&mut unused, NEVER_RUN).unwrap();
        let emptied = unused.funcs.get(body).kind.unwrap_local();
        assert_eq!(emptied.size(), 1);
        let (mut used, _) = module(NAME, true);
        let error = leave_out(&mut used, NEVER_RUN).unwrap_err();
        assert!(
            error.to_string().contains("which is to be left out"),
            "{error}"
        );
    }

    #[test]
    fn only_a_body_is_left_out_and_not_what_stands_in_one() {
        for name in [
            "<T as RenderHtml>::hydrate_async::{{closure}}::inner_2::h0123456789abcdef",
            "<T as RenderHtml>::hydrate_async::h0123456789abcdef",
        ] {
            let (mut module, _) = module(name, false);
            let error = leave_out(&mut module, NEVER_RUN).unwrap_err();
            assert!(
                error.to_string().contains("nothing to leave out"),
                "{error}"
            );
        }
    }

    #[test]
    fn imports_are_bundled_and_minified() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join("tokens.css"),
            ":root { --ink: #112233; }",
        )
        .unwrap();
        let main = folder.path().join("main.css");
        fs::write(
            &main,
            "@import './tokens.css';\nbody {\n  color: var(--ink);\n}\n",
        )
        .unwrap();
        assert_eq!(
            stylesheet(&main).unwrap(),
            ":root{--ink:#123}body{color:var(--ink)}"
        );
    }

    #[test]
    fn an_error_in_a_style_sheet_says_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let main = folder.path().join("main.css");
        fs::write(&main, "body { color: red; }\n@import './nowhere.css';\n} {").unwrap();
        let error = stylesheet(&main).unwrap_err().to_string();
        assert!(error.contains("main.css"), "{error}");
    }

    #[test]
    fn a_missing_style_sheet_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = stylesheet(&folder.path().join("main.css"))
            .unwrap_err()
            .to_string();
        assert!(error.ends_with("main.css is missing"), "{error}");
    }

    #[test]
    fn only_what_gets_smaller_is_compressed() {
        let files = BTreeMap::from([
            ("long.css".to_owned(), b"a{color:red}".repeat(50)),
            ("short.txt".to_owned(), b"x".to_vec()),
            ("photo.webp".to_owned(), vec![0; 1000]),
        ]);
        let all = with_brotli(files, Profile::Debug).unwrap();
        let names: Vec<&str> = all.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["long.css", "long.css.br", "photo.webp", "short.txt"]
        );
    }

    #[test]
    fn sweeping_leaves_only_this_build() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("style.old.css"), "").unwrap();
        fs::write(folder.path().join("style.new.css"), "").unwrap();
        let names = vec!["style.new.css".to_owned()];
        Site {
            folder: folder.path().to_owned(),
            names,
        }
        .sweep()
        .unwrap();
        assert!(folder.path().join("style.new.css").exists());
        assert!(!folder.path().join("style.old.css").exists());
    }

    #[test]
    fn a_build_with_a_file_missing_is_not_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let stamp = folder.path().join("stamp");
        let names = vec!["style.css".to_owned()];
        let text = serde_json::to_vec(&Stamp {
            inputs: "i".into(),
            names: names.clone(),
        })
        .unwrap();
        fs::write(&stamp, text).unwrap();
        assert_eq!(unchanged(&stamp, "i", folder.path()), None);
        fs::write(folder.path().join("style.css"), "").unwrap();
        assert_eq!(unchanged(&stamp, "i", folder.path()), Some(names));
        assert_eq!(unchanged(&stamp, "other", folder.path()), None);
    }
}
