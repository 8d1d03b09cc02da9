//! A file and a recipe as one multipart body, streamed from the disk.

use std::path::Path;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use tokio::io::AsyncReadExt;
use uuid::Uuid;

use super::transport::Body;
use crate::exit_code::{Exit, Failure};

/// Read from the disk in pieces of this size; larger ones are no faster.
const PIECE_BYTES: usize = 64 * 1024;

/// The body of `POST /jobs`: the recipe, further parts, and the file.
pub(crate) async fn body(
    file: &Path,
    recipe: Option<&str>,
    more: &[(&str, String)],
) -> Result<Body, Failure> {
    let handle = tokio::fs::File::open(file).await.map_err(|error| unreadable(file, &error))?;
    let boundary = format!("onward-{}", Uuid::now_v7().simple());
    let filename = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
    let mut head = recipe.map(|recipe| part(&boundary, "recipe", None, recipe)).unwrap_or_default();
    for (name, value) in more {
        head.push_str(&part(&boundary, name, None, value));
    }
    head.push_str(&part(&boundary, "file", Some(&filename), ""));
    // The file's part stays open: its content follows, then the end.
    head.truncate(head.len() - "\r\n".len());
    let tail = format!("\r\n--{boundary}--\r\n");
    let content = stream::iter([Ok(Bytes::from(head))])
        .chain(pieces(handle))
        .chain(stream::iter([Ok(Bytes::from(tail))]));
    Ok(Body::Stream(format!("multipart/form-data; boundary={boundary}"), content.boxed()))
}

/// A file that cannot be read: not there, or not ours to read.
pub(crate) fn unreadable(file: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Exit::of_io(error), format!("failed to read {}: {error}", file.display()))
}

fn part(boundary: &str, name: &str, filename: Option<&str>, content: &str) -> String {
    let filename =
        filename.map(|filename| format!("; filename=\"{}\"", quoted(filename))).unwrap_or_default();
    format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{filename}\r\n\r\n{content}\r\n")
}

/// As browsers write file names: what would end the quote or the line is percent-encoded.
fn quoted(filename: &str) -> String {
    filename.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

fn pieces(file: tokio::fs::File) -> BoxStream<'static, std::io::Result<Bytes>> {
    let read = |mut file: tokio::fs::File| async move {
        let mut piece = vec![0; PIECE_BYTES];
        match file.read(&mut piece).await {
            Ok(0) => None,
            Ok(length) => {
                piece.truncate(length);
                Some((Ok(Bytes::from(piece)), file))
            }
            Err(error) => Some((Err(error), file)),
        }
    };
    stream::unfold(file, read).boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn text_of(body: Body) -> (String, String) {
        let Body::Stream(kind, stream) = body else { panic!("an upload is a stream") };
        let bytes: Vec<Bytes> = stream.map(|piece| piece.unwrap()).collect().await;
        (kind, String::from_utf8(bytes.concat()).unwrap())
    }

    #[tokio::test]
    async fn an_upload_has_its_recipe_its_name_and_the_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("crea\"tors.csv");
        let content = "handle\n".to_owned() + &"ada\n".repeat(50_000);
        std::fs::write(&file, &content).unwrap();
        let (kind, text) =
            text_of(body(&file, Some("key = []"), &[("name", "my job".to_owned())]).await.unwrap()).await;
        let boundary = kind.split("boundary=").nth(1).unwrap();
        let parts: Vec<&str> = text.split(&format!("--{boundary}")).collect();
        assert_eq!(parts.len(), 5);
        assert!(parts[1].contains("name=\"recipe\"") && parts[1].ends_with("\r\n\r\nkey = []\r\n"));
        assert!(parts[2].contains("name=\"name\"") && parts[2].ends_with("\r\n\r\nmy job\r\n"));
        assert!(parts[3].contains("filename=\"crea%22tors.csv\""));
        assert!(parts[3].ends_with(&format!("\r\n\r\n{content}\r\n")));
        assert_eq!(parts[4], "--\r\n");
    }

    #[tokio::test]
    async fn a_missing_file_is_not_found() {
        let failure = body(Path::new("/nowhere/at-all.csv"), None, &[]).await.err().unwrap();
        assert_eq!(failure.exit, Exit::NotFound);
    }
}
