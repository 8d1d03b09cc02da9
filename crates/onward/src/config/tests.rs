//! What decides where things are.

use super::*;

fn around(folder: &Path) -> Surroundings {
    Surroundings { current_dir: folder.join("here"), xdg_data_home: None, home: Some(folder.join("home")) }
}

fn place() -> (tempfile::TempDir, Surroundings) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("here")).unwrap();
    let around = around(folder.path());
    (folder, around)
}

#[test]
fn without_anything_said_the_store_is_in_the_persons_data_folder() {
    let (folder, around) = place();
    let config = load(&Places::default(), Home::Person, &around).unwrap();
    let data_dir = folder.path().join("home/.local/share/onward");
    assert_eq!(config.store_file(), Some(&*data_dir.join("onward.db")));
    assert_eq!(config.data_dir, data_dir);
    assert_eq!(config.listen, "127.0.0.1:7313".parse().unwrap());
}

#[test]
fn the_demo_lives_below_the_current_directory_whatever_the_file_says() {
    let (_folder, around) = place();
    std::fs::write(around.current_dir.join("onward.toml"), "data_dir = 'data'\nstore = 'sqlite:x.db'")
        .unwrap();
    let config = load(&Places::default(), Home::Demo, &around).unwrap();
    assert_eq!(config.data_dir, around.current_dir.join(".onward/demo"));
    assert_eq!(config.store_file(), Some(&*around.current_dir.join(".onward/demo/onward.db")));
}

#[test]
fn a_flag_beats_the_file_and_the_nearer_file_beats_the_other() {
    let (_folder, around) = place();
    let data = around.current_dir.join("data");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(around.current_dir.join("onward.toml"), "data_dir = 'data'\nlisten = '127.0.0.1:1'\n")
        .unwrap();
    std::fs::write(data.join("onward.toml"), "listen = '127.0.0.1:2'\nstore = 'sqlite:other.db'\n").unwrap();
    let config = load(&Places::default(), Home::Person, &around).unwrap();
    assert_eq!(config.listen.port(), 1);
    assert_eq!(config.store_file(), Some(&*data.join("other.db")));
    let places = Places { listen: Some("127.0.0.1:3".parse().unwrap()), ..Places::default() };
    assert_eq!(load(&places, Home::Person, &around).unwrap().listen.port(), 3);
}

#[test]
fn redis_is_taken_from_flag_or_file_and_its_password_is_never_shown() {
    let (_folder, around) = place();
    std::fs::write(around.current_dir.join("onward.toml"), "redis = 'redis://file'\nredis_prefix = 'app'")
        .unwrap();
    let redis = load(&Places::default(), Home::Person, &around).unwrap().redis.unwrap();
    assert_eq!((redis.url.as_str(), redis.prefix.as_str()), ("redis://file", "app"));
    let places = Places { redis: Some("redis://:secret@flag".to_owned()), ..Places::default() };
    let config = load(&places, Home::Person, &around).unwrap();
    assert_eq!(config.redis.as_ref().unwrap().url, "redis://:secret@flag");
    assert!(!format!("{config:?}").contains("secret"));
}

#[test]
fn further_host_names_and_the_number_of_streams_are_the_files() {
    let (_folder, around) = place();
    let text = "[server]\nhosts = ['onward.example.org']\nmax_streams = 5\n";
    std::fs::write(around.current_dir.join("onward.toml"), text).unwrap();
    let config = load(&Places::default(), Home::Person, &around).unwrap();
    assert_eq!((config.hosts, config.max_streams), (vec!["onward.example.org".to_owned()], Some(5)));
    std::fs::write(around.current_dir.join("onward.toml"), "[server]\nmax_streams = 0\n").unwrap();
    assert!(load(&Places::default(), Home::Person, &around).unwrap_err().message.contains("max_streams"));
}

#[test]
fn an_unknown_key_is_an_error_with_its_place() {
    let (_folder, around) = place();
    std::fs::write(around.current_dir.join("onward.toml"), "\nlisen = '127.0.0.1:1'\n").unwrap();
    let failure = load(&Places::default(), Home::Person, &around).unwrap_err();
    assert_eq!(failure.exit, Exit::Usage);
    assert!(failure.message.contains("line 2") && failure.message.contains("lisen"), "{failure}");
}

#[test]
fn what_is_not_in_this_version_is_refused_without_repeating_a_password() {
    let (_folder, around) = place();
    let store = Places { store: Some("mysql://u:secret@host/db".to_owned()), ..Places::default() };
    let failure = load(&store, Home::Person, &around).unwrap_err();
    assert_eq!(failure.exit, Exit::Usage);
    assert!(!failure.to_string().contains("secret"), "{failure}");
}

#[test]
fn a_shared_store_is_shown_without_its_password_and_gets_its_root_certificate() {
    let (_folder, around) = place();
    std::fs::write(around.current_dir.join("onward.toml"), "sslrootcert = 'ca.crt'\n").unwrap();
    let url = "postgres://u:secret@db.example.com:5432/crm?schema=lists";
    let places = Places { store: Some(url.to_owned()), ..Places::default() };
    let config = load(&places, Home::Person, &around).unwrap();
    let root = around.current_dir.join("ca.crt");
    assert_eq!(config.store, format!("{url}&sslrootcert={}", root.display()));
    assert_eq!(config.store_shown(), "postgres://db.example.com:5432/crm");
    assert!(config.store_may_exist() && config.store_file().is_none());
}
