//! Layers: files, folders, variables and flags.

use std::fs;
use std::path::PathBuf;

use super::SOUND;
use crate::config::{LogFormat, Runtime, Settings, Sources};

/// A folder of its own for one test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("bulkhead-{}-{test}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, file: &str, text: &str) -> PathBuf {
        let path = self.0.join(file);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn pair(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

#[test]
fn later_layers_win() {
    let folder = Folder::new("layers");
    let port = |sources: &Sources| Settings::load(sources).unwrap().server.listen.port();
    let mut sources = Sources::default();
    assert_eq!(port(&sources), 50051);
    sources.path = Some(folder.write("firm.toml", "[server]\nlisten = \"127.0.0.1:1001\"\n"));
    assert_eq!(port(&sources), 1001);
    sources.environment = vec![
        pair("BULKHEAD__SERVER__LISTEN", "127.0.0.1:1002"),
        pair("BULKHEAD__SERVER__WORKERS", "3"),
        pair("BULKHEAD__SERVER__REFLECTION", "false"),
        pair("BULKHEAD__SERVER__LOG__LEVEL", "debug"),
        pair("BULKHEAD_CONFIG", "elsewhere"),
        pair("PATH", "/bin"),
    ];
    assert_eq!(port(&sources), 1002);
    sources.overrides = vec![
        pair("server.listen", "127.0.0.1:1003"),
        pair("server.workers", "4"),
    ];
    let server = Settings::load(&sources).unwrap().server;
    assert_eq!(server.listen.port(), 1003);
    assert_eq!(server.workers, 4);
    assert!(!server.reflection);
    assert_eq!(server.log.level, tracing::Level::DEBUG);
    assert_eq!(server.log.format, LogFormat::Human);
    assert_eq!(server.runtime, Runtime::PerCore);
    assert_eq!(server.max_message_bytes, 1024 * 1024);
    assert_eq!(server.max_streams, 512);
    assert_eq!(server.drain_grace.as_secs(), 10);
}

#[test]
fn a_file_takes_the_place_of_the_sample_firm() {
    let folder = Folder::new("place");
    let sources = Sources {
        path: Some(folder.write("firm.toml", SOUND)),
        ..Sources::default()
    };
    let settings = Settings::load(&sources).unwrap();
    let ids: Vec<&str> = settings.buckets.iter().map(|b| b.id.as_str()).collect();
    assert_eq!(ids, ["alpha", "beta"]);
}

#[test]
fn a_folder_is_merged_in_order_of_names() {
    let folder = Folder::new("folder");
    folder.write("20-site.toml", "[engine]\ndefault_quota = 7\n");
    folder.write("10-firm.toml", SOUND);
    folder.write(".hidden.toml", "nonsense");
    folder.write("notes.txt", "nonsense");
    let sources = Sources {
        path: Some(folder.0.clone()),
        ..Sources::default()
    };
    let settings = Settings::load(&sources).unwrap();
    assert_eq!(settings.engine.default_quota, 7);
    assert_eq!(settings.buckets.len(), 2);
}

#[test]
fn unreadable_files_are_told_together_with_everything_else() {
    let folder = Folder::new("unreadable");
    folder.write("1.toml", "[server]\nlisten = 5\n");
    folder.write("2.toml", "[server\n");
    folder.write("3.toml", "\"a[99999999999]\" = 1\n");
    fs::write(folder.0.join("4.toml"), [0xff, 0xfe]).unwrap();
    let sources = Sources {
        path: Some(folder.0.clone()),
        ..Sources::default()
    };
    let error = Settings::load(&sources).unwrap_err();
    let text = error.to_string();
    assert_eq!(error.problems.len(), 4, "{text}");
    for part in [
        "the configuration has 4 errors",
        "2.toml = unreadable: expected TOML, but",
        "\"a[99999999999]\" = a key at the top: expected only keys of a-z and _ at the top (in ",
        "4.toml = unreadable: expected TOML, but invalid utf-8",
        "server.listen = 5: expected an address with a port",
        "1.toml)",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
}

#[test]
fn a_path_to_nothing_is_refused() {
    let folder = Folder::new("nothing");
    for (path, message) in [
        (
            folder.0.clone(),
            " = empty: expected a folder with at least one file named *.toml",
        ),
        // The library would try other endings; we take the path as it is written.
        (
            folder.write("firm.toml", SOUND).with_extension(""),
            " = not found: expected a file, or a folder with files named *.toml",
        ),
    ] {
        let sources = Sources {
            path: Some(path.clone()),
            ..Sources::default()
        };
        fs::remove_file(folder.0.join("firm.toml")).ok();
        let error = match Settings::load(&sources) {
            Ok(_) => panic!("{} was accepted", path.display()),
            Err(error) => error.problems[0].to_string(),
        };
        assert_eq!(error, format!("{}{message}", path.display()));
    }
}

#[test]
fn variables_set_process_settings_only() {
    let refused = [
        (
            pair("BULKHEAD__BUCKETS__ALPHA__LIMITS__LONG_MAX", "9"),
            "BULKHEAD__BUCKETS__ALPHA__LIMITS__LONG_MAX = \"9\": expected only process settings, BULKHEAD__SERVER__…: everything else belongs in a file (in the environment)",
        ),
        (
            pair("BULKHEAD__SERVER__LISTN", "x"),
            "server.listn = \"x\": expected a known key: listen, workers, runtime, reflection, max_message_bytes, max_streams, drain_grace, log (in the environment)",
        ),
        (
            pair("BULKHEAD__SERVER__WORKERS", "many"),
            "server.workers = \"many\": expected a whole number from 1 to 1024 (in the environment)",
        ),
        (
            pair("BULKHEAD__SERVER__LISTEN", ""),
            "server.listen = \"\": expected an address with a port such as \"127.0.0.1:50051\" or \"[::1]:50051\" (in the environment)",
        ),
    ];
    for (variable, message) in refused {
        let sources = Sources {
            environment: vec![variable],
            ..Sources::default()
        };
        let error = Settings::load(&sources).unwrap_err();
        assert_eq!(error.problems[0].to_string(), message);
        assert_eq!(error.problems.len(), 1, "{error}");
    }
}
