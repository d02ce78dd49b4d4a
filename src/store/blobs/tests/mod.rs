//! Blobs in a real folder, and on simulated disks that fail.

mod faults;
mod sim_store;

use std::path::PathBuf;

use super::*;
use crate::store::log::DataFolder;

/// Bytes that differ by number and repeat nowhere near.
pub(super) fn content(number: u64, length: usize) -> Bytes {
    let mut bytes = vec![0; length];
    let mut reader = blake3::Hasher::new();
    reader.update(&number.to_le_bytes());
    reader.finalize_xof().fill(&mut bytes);
    Bytes::from(bytes)
}

pub(super) fn party(name: &str) -> PartyName {
    name.parse().unwrap()
}

/// Uploads bytes in chunks of uneven sizes.
pub(super) async fn put(blobs: &Blobs, bytes: &Bytes, party: &PartyName) -> Result<(), BlobError> {
    let size = bytes.len() as u64;
    let mut upload = blobs.begin(ContentHash::of(bytes), size, party).await?;
    let mut rest = bytes.clone();
    let mut length = 777;
    while !rest.is_empty() {
        upload.write(rest.split_to(rest.len().min(length))).await?;
        length = (length * 7).min(CHUNK_BYTES_MAX);
    }
    upload.finish().await
}

struct Opened {
    root: tempfile::TempDir,
    blobs: Blobs,
}

impl Opened {
    fn new(limits: BlobLimits) -> Self {
        let root = tempfile::tempdir().unwrap();
        let blobs = Self::open(root.path(), limits).unwrap();
        Self { root, blobs }
    }

    fn open(root: &Path, limits: BlobLimits) -> Result<Blobs, BlobFault> {
        let disk = Arc::new(DataFolder::open(root).unwrap());
        Blobs::open(disk, &root.join("blobs"), limits)
    }

    fn reopen(self) -> Self {
        drop(self.blobs);
        let blobs = Self::open(self.root.path(), BlobLimits::default()).unwrap();
        Self { blobs, ..self }
    }

    fn path(&self, hash: &ContentHash) -> PathBuf {
        self.root.path().join("blobs").join(location(hash).as_ref())
    }

    /// Returns the files in the folder of blobs, hidden ones too.
    fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        for folder in fs::read_dir(self.root.path().join("blobs")).unwrap() {
            for file in fs::read_dir(folder.unwrap().path()).unwrap() {
                files.push(file.unwrap().file_name().into_string().unwrap());
            }
        }
        files.sort();
        files
    }
}

async fn read(blobs: &Blobs, hash: &ContentHash, range: Range<u64>) -> Vec<Bytes> {
    let chunks = blobs.get(hash, range).unwrap();
    chunks.try_collect().await.unwrap()
}

#[tokio::test]
async fn what_was_uploaded_is_read_back_whole_and_in_parts() {
    let opened = tokio::task::spawn_blocking(|| Opened::new(BlobLimits::default()));
    let opened = opened.await.unwrap();
    let (blobs, party) = (&opened.blobs, party("school"));
    for (number, length) in [(1, 0), (2, 1), (3, CHUNK_BYTES_MAX), (4, 5_000_001)] {
        let bytes = content(number, length);
        let hash = ContentHash::of(&bytes);
        assert_eq!(blobs.size(&hash), None);
        assert!(blobs.get(&hash, 0..1).is_none());
        put(blobs, &bytes, &party).await.unwrap();
        let size = length as u64;
        assert_eq!(blobs.size(&hash), Some(size));
        let chunks = read(blobs, &hash, 0..u64::MAX).await;
        assert!(chunks.iter().all(|chunk| chunk.len() <= CHUNK_BYTES_MAX));
        assert_eq!(chunks.concat(), bytes);
        let middle = read(blobs, &hash, size / 3..size / 2).await;
        assert_eq!(middle.concat(), bytes[length / 3..length / 2]);
        assert!(read(blobs, &hash, size..size + 5).await.is_empty());
        assert!(read(blobs, &hash, size + 1..size + 5).await.is_empty());
    }
    assert_eq!(blobs.used_by(&party), 1 + (1 << 20) + 5_000_001);
}

#[tokio::test]
async fn another_hash_or_size_is_refused_and_nothing_is_kept() {
    let opened = tokio::task::spawn_blocking(|| Opened::new(BlobLimits::default()));
    let opened = opened.await.unwrap();
    let (blobs, party) = (&opened.blobs, party("school"));
    let bytes = content(1, 3000);
    let (hash, other) = (ContentHash::of(&bytes), ContentHash::of(b"other"));
    for (announced, size) in [(hash, 2999), (hash, 3001), (other, 3000)] {
        let mut upload = blobs.begin(announced, size, &party).await.unwrap();
        let written = upload.write(bytes.clone()).await;
        let refused = match written {
            Ok(()) => upload.finish().await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(refused.rejection().reason, Reason::ContentMismatch);
        assert_eq!(blobs.size(&announced), None);
    }
    // A broken upload.
    let mut upload = blobs.begin(hash, 3000, &party).await.unwrap();
    upload.write(bytes.slice(..1000)).await.unwrap();
    assert_eq!(upload.received(), 1000);
    drop(upload);
    for empty_or_long in [Bytes::new(), content(1, CHUNK_BYTES_MAX + 1)] {
        let mut upload = blobs.begin(hash, 1 << 30, &party).await.unwrap();
        let refused = upload.write(empty_or_long).await.unwrap_err();
        assert_eq!(refused.rejection().reason, Reason::InvalidArgument);
    }
    assert_eq!(blobs.used_by(&party), 0);
    // Removing is handed to another thread, which ends before the runtime does.
    let files = tokio::task::spawn_blocking(move || {
        let Opened { root, blobs } = opened;
        drop(blobs);
        let blobs = Opened::open(root.path(), BlobLimits::default()).unwrap();
        Opened { root, blobs }.files()
    });
    assert_eq!(files.await.unwrap(), Vec::<String>::new());
}

#[test]
fn staged_files_of_a_killed_process_are_removed_at_start() {
    let opened = Opened::new(BlobLimits::default());
    let bytes = content(1, 2000);
    let hash = opened.blobs.put_attachment(&bytes).unwrap();
    let staged = format!("{}#1", opened.path(&hash).display());
    fs::write(&staged, b"half").unwrap();
    assert_eq!(opened.files().len(), 2);
    let opened = opened.reopen();
    assert_eq!(opened.files(), [hash.to_string()]);
    assert_eq!(opened.blobs.attachment(&hash).unwrap(), Some(bytes));
}

#[test]
fn a_blob_without_a_mark_is_not_there() {
    let opened = Opened::new(BlobLimits::default());
    let bytes = content(1, 2000);
    let hash = ContentHash::of(&bytes);
    fs::create_dir_all(opened.path(&hash).parent().unwrap()).unwrap();
    fs::write(opened.path(&hash), &bytes).unwrap();
    assert_eq!(opened.blobs.size(&hash), None);
    assert_eq!(opened.blobs.attachment(&hash).unwrap(), None);
    assert_eq!(opened.blobs.put_attachment(&bytes).unwrap(), hash);
    assert_eq!(opened.blobs.attachment(&hash).unwrap(), Some(bytes));
}

#[test]
fn each_party_has_what_it_uploaded_itself() {
    let opened = Opened::new(BlobLimits::default());
    let bytes = content(1, 5000);
    let hash = ContentHash::of(&bytes);
    blocking(put(&opened.blobs, &bytes, &party("school")))
        .unwrap()
        .unwrap();
    let who =
        |blobs: &Blobs| ["school", "clinic"].map(|name| blobs.uploaded_by(&hash, &party(name)));
    assert_eq!(who(&opened.blobs), [true, false]);
    assert_eq!(opened.blobs.used_by(&party("clinic")), 0);
    blocking(put(&opened.blobs, &bytes, &party("clinic")))
        .unwrap()
        .unwrap();
    blocking(put(&opened.blobs, &bytes, &party("clinic")))
        .unwrap()
        .unwrap();
    let opened = opened.reopen();
    assert_eq!(who(&opened.blobs), [true, true]);
    assert_eq!(opened.blobs.used_by(&party("clinic")), 5000, "counted once");
    assert_eq!(
        fs::metadata(opened.root.path().join("uploads"))
            .unwrap()
            .len(),
        256
    );
}

#[test]
fn limits_of_blobs_and_quotas_hold() {
    let limits = BlobLimits {
        blob_bytes_max: 4000,
        party_bytes_max: 5000,
    };
    let opened = Opened::new(limits);
    let (blobs, school) = (&opened.blobs, party("school"));
    let refused = |size| {
        let begun = blocking(blobs.begin(ContentHash([7; 32]), size, &school)).unwrap();
        begun.unwrap_err().rejection().reason
    };
    assert_eq!(refused(4001), Reason::TooLarge);
    let first = content(1, 3000);
    blocking(put(blobs, &first, &school)).unwrap().unwrap();
    assert_eq!(refused(2001), Reason::QuotaExceeded);
    // What is under way counts, and what breaks off counts no more.
    let under_way = blocking(blobs.begin(ContentHash([8; 32]), 1500, &school)).unwrap();
    assert_eq!(refused(501), Reason::QuotaExceeded);
    drop(under_way);
    blocking(put(blobs, &content(2, 2000), &school))
        .unwrap()
        .unwrap();
    assert_eq!(refused(1), Reason::QuotaExceeded);
    blocking(put(blobs, &first, &school)).unwrap().unwrap();
    blocking(put(blobs, &first, &party("clinic")))
        .unwrap()
        .unwrap();
    assert_eq!(
        (blobs.used_by(&school), blobs.used_by(&party("clinic"))),
        (5000, 3000)
    );
}

#[test]
fn attachments_are_bounded_and_hashed_when_read() {
    let opened = Opened::new(BlobLimits::default());
    let bytes = content(1, 2_000_000);
    let hash = opened.blobs.put_attachment(&bytes).unwrap();
    assert_eq!(opened.blobs.attachment(&hash).unwrap(), Some(bytes.clone()));
    let mut damaged = bytes.to_vec();
    damaged[1_234_567] ^= 1;
    fs::write(opened.path(&hash), damaged).unwrap();
    assert!(matches!(
        opened.blobs.attachment(&hash),
        Err(BlobFault::Damaged { .. })
    ));
    fs::write(opened.path(&hash), &bytes[1..]).unwrap();
    assert!(opened.blobs.attachment(&hash).is_err());
    fs::remove_file(opened.path(&hash)).unwrap();
    assert!(matches!(
        opened.blobs.attachment(&hash),
        Err(BlobFault::Store { .. })
    ));

    let largest = usize::try_from(ATTACHMENT_BYTES_MAX).unwrap();
    let largest = content(2, largest);
    let hash = opened.blobs.put_attachment(&largest).unwrap();
    assert_eq!(
        opened.blobs.attachment(&hash).unwrap(),
        Some(largest.clone())
    );
    let longer = [&largest[..], b"1"].concat();
    let hash = opened.blobs.put_attachment(&Bytes::from(longer)).unwrap();
    assert_eq!(opened.blobs.attachment(&hash).unwrap(), None);
    assert_eq!(opened.blobs.size(&hash), Some(ATTACHMENT_BYTES_MAX + 1));
}

#[test]
fn a_check_of_all_blobs_names_each_file_that_is_wrong() {
    let opened = Opened::new(BlobLimits::default());
    let hashes: Vec<_> = (0..5)
        .map(|number| {
            opened
                .blobs
                .put_attachment(&content(number, 1_200_000))
                .unwrap()
        })
        .collect();
    let mut read = 0;
    let report = opened.blobs.verify_all(&mut |bytes| read = bytes).unwrap();
    let sound = BlobReport {
        blobs: 5,
        bytes: 6_000_000,
        ..BlobReport::default()
    };
    assert_eq!((report, read), (sound, 6_000_000));
    assert_eq!(opened.blobs.bytes(), 6_000_000);

    let mut bytes = content(0, 1_200_000).to_vec();
    bytes[1_100_000] ^= 1;
    fs::write(opened.path(&hashes[0]), &bytes).unwrap();
    fs::write(opened.path(&hashes[1]), &bytes[..7]).unwrap();
    fs::remove_file(opened.path(&hashes[2])).unwrap();
    let folder = opened.path(&hashes[3]).parent().unwrap().to_owned();
    fs::write(folder.join("notes"), b"").unwrap();
    let unanswered = ContentHash::of(b"nobody was told");
    fs::create_dir_all(opened.path(&unanswered).parent().unwrap()).unwrap();
    fs::write(opened.path(&unanswered), b"half").unwrap();

    let report = opened.blobs.verify_all(&mut |_| ()).unwrap();
    assert_eq!((report.blobs, report.unanswered), (4, 1));
    let found: Vec<_> = report
        .findings
        .iter()
        .map(|one| one.what.as_str())
        .collect();
    let of = |hash: &ContentHash| {
        let path = location(hash).to_string();
        let found = report.findings.iter().find(|one| one.path == path);
        found.map(|one| one.what.as_str()).unwrap_or_default()
    };
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(of(&hashes[0]).contains("have the hash"));
    assert_eq!(of(&hashes[1]), "it has 7 bytes, not 1200000");
    assert_eq!(of(&hashes[2]), "it is missing; it had 1200000 bytes");
    assert!(found.contains(&"its name is not that of a blob"));
}
