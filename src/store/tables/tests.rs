//! Parquet and Arrow files against CSV, and files that are not what they say.

use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::file::properties::WriterProperties;
use arrow_array::builder::{Float32Builder, ListBuilder};
use arrow_array::types::{Float64Type, Int8Type};
use arrow_array::{
    ArrayRef, BooleanArray, DictionaryArray, FixedSizeListArray, Float32Array, Float64Array,
    Int64Array, LargeStringArray, ListArray, RecordBatch, StringArray, StringViewArray, UInt8Array,
};
use arrow_ipc::writer::{FileWriter, StreamWriter};

use super::*;

const MIB: u64 = 1 << 20;

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let nullable = columns.into_iter().map(|(name, array)| (name, array, true));
    RecordBatch::try_from_iter_with_nullable(nullable).unwrap()
}

fn as_parquet(batch: &RecordBatch, compression: Compression) -> Bytes {
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_max_row_group_row_count(Some(3))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap().into()
}

fn as_file(batch: &RecordBatch) -> Bytes {
    let mut writer = FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    for first in (0..batch.num_rows()).step_by(3) {
        let rows = batch.num_rows().min(first + 3) - first;
        writer.write(&batch.slice(first, rows)).unwrap();
    }
    writer.finish().unwrap();
    writer.into_inner().unwrap().into()
}

fn as_stream(batch: &RecordBatch) -> Bytes {
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
    writer.into_inner().unwrap().into()
}

/// The same rows in every kind of file.
fn files(batch: &RecordBatch) -> [(&'static str, Bytes); 5] {
    let zstd = Compression::ZSTD(ZstdLevel::default());
    [
        ("parquet", as_parquet(batch, Compression::UNCOMPRESSED)),
        ("snappy parquet", as_parquet(batch, Compression::SNAPPY)),
        ("zstd parquet", as_parquet(batch, zstd)),
        ("arrow file", as_file(batch)),
        ("arrow stream", as_stream(batch)),
    ]
}

fn told(result: Result<FeatureTable, Vec<FileViolation>>) -> String {
    match result {
        Err(violations) => {
            let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
            lines.join("\n")
        }
        Ok(table) => {
            let rows = (0..table.rows()).map(|row| {
                let owner = table.owners().and_then(|owners| owners.get(row));
                let label = table.labels().get(row).unwrap();
                format!("{:?} {label} {owner:?}", table.row(row).unwrap())
            });
            format!(
                "{}: {}",
                table.features().join(","),
                rows.collect::<Vec<_>>().join("; ")
            )
        }
    }
}

fn check(batch: &RecordBatch, columns: &Columns, expected: &str) {
    for (kind, bytes) in files(batch) {
        assert_eq!(told(read_table(bytes, columns)), expected, "{kind}");
    }
}

fn numbers(numbers: &[f64]) -> ArrayRef {
    Arc::new(Float64Array::from(numbers.to_vec()))
}

fn texts(texts: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(texts.to_vec()))
}

#[test]
fn the_same_rows_are_the_same_table_in_every_kind_of_file() {
    let csv = b"label,x,owner,y,z\n7,1,ann,0.5,3\n-8,2,bob,0.25,0\n7,1e300,ann,0,9\n9,4,,1,1\n";
    let rows = batch(vec![
        ("label", Arc::new(Int64Array::from(vec![7, -8, 7, 9]))),
        ("x", numbers(&[1.0, 2.0, 1e300, 4.0])),
        ("owner", texts(&["ann", "bob", "ann", " "])),
        ("y", Arc::new(Float32Array::from(vec![0.5, 0.25, 0.0, 1.0]))),
        ("z", Arc::new(UInt8Array::from(vec![3, 0, 9, 1]))),
    ]);
    let ignored = Columns {
        owner: OwnerColumn::Ignored("owner".to_owned()),
        ..Columns::default()
    };
    let expected = told(read_csv(csv, &ignored));
    assert!(
        expected.starts_with("x,y,z: [1.0, 0.5, 3.0] 7 None"),
        "{expected}"
    );
    check(&rows, &ignored, &expected);
    let three = "label,x,owner,y,z\n7,1,ann,0.5,3\n-8,2,bob,0.25,0\n7,1e300,ann,0,9\n";
    let expected = told(read_csv(three.as_bytes(), &Columns::default()));
    check(&rows.slice(0, 3), &Columns::default(), &expected);
    check(
        &rows,
        &Columns::default(),
        "row 3 (from 0), column \"owner\": the cell is empty",
    );
}

#[test]
fn texts_of_any_kind_are_labels() {
    let words = ["a", "b", "a"];
    let dictionary: DictionaryArray<Int8Type> = words.into_iter().collect();
    let kinds: [ArrayRef; 4] = [
        texts(&words),
        Arc::new(LargeStringArray::from(words.to_vec())),
        Arc::new(StringViewArray::from(words.to_vec())),
        Arc::new(dictionary),
    ];
    for labels in kinds {
        let rows = batch(vec![("label", labels), ("x", numbers(&[1.0, 2.0, 3.0]))]);
        check(
            &rows,
            &Columns::default(),
            "x: [1.0] a None; [2.0] b None; [3.0] a None",
        );
    }
}

#[test]
fn a_list_counts_as_its_elements() {
    let pairs = vec![
        Some(vec![Some(1.0), Some(2.0)]),
        Some(vec![Some(3.0), Some(4.0)]),
    ];
    let list = ListArray::from_iter_primitive::<Float64Type, _, _>(pairs.clone());
    let fixed = FixedSizeListArray::from_iter_primitive::<Float64Type, _, _>(pairs, 2);
    let arrays: [ArrayRef; 2] = [Arc::new(list), Arc::new(fixed)];
    for embedding in arrays {
        let rows = batch(vec![
            ("x", numbers(&[9.0, 8.0])),
            ("embedding", embedding),
            ("label", texts(&["a", "b"])),
        ]);
        let names = "x,embedding[0],embedding[1]";
        let expected = format!("{names}: [9.0, 1.0, 2.0] a None; [8.0, 3.0, 4.0] b None");
        check(&rows, &Columns::default(), &expected);
        let chosen = Columns {
            features: Some(vec!["embedding".to_owned()]),
            ..Columns::default()
        };
        let expected = "embedding[0],embedding[1]: [1.0, 2.0] a None; [3.0, 4.0] b None";
        check(&rows, &chosen, expected);
    }
}

#[test]
fn what_is_wrong_is_listed_with_its_row() {
    let x = Float64Array::from(vec![Some(f64::NAN), None, Some(1.0), Some(f64::INFINITY)]);
    let mut lists = ListBuilder::new(Float32Builder::new());
    for list in [
        Some(vec![1.0, 2.0]),
        Some(vec![1.0]),
        None,
        Some(vec![3.0, f32::NAN]),
    ] {
        match list {
            Some(list) => lists.append_value(list.into_iter().map(Some)),
            None => lists.append_null(),
        }
    }
    let labels = StringArray::from(vec![Some("a"), Some(""), None, Some("b")]);
    let rows = batch(vec![
        ("x", Arc::new(x)),
        ("e", Arc::new(lists.finish())),
        ("label", Arc::new(labels)),
    ]);
    let mut expected = vec![
        "row 0 (from 0), column \"x\": \"NaN\" is not a finite number",
        "row 1 (from 0), column \"x\": the cell is empty",
        "row 3 (from 0), column \"x\": \"inf\" is not a finite number",
        "row 1 (from 0), column \"e\": 1 elements, but the first row has 2",
        "row 2 (from 0), column \"e\": the cell is empty",
        "row 3 (from 0), column \"e\": \"NaN\" is not a finite number",
        "row 1 (from 0), column \"label\": the cell is empty",
        "row 2 (from 0), column \"label\": the cell is empty",
    ];
    expected.sort_unstable();
    for (kind, bytes) in files(&rows) {
        let found = told(read_table(bytes, &Columns::default()));
        let mut found: Vec<&str> = found.lines().collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{kind}");
    }
}

#[test]
fn columns_of_the_wrong_kind_are_refused() {
    let rows = batch(vec![
        ("x", texts(&["one"])),
        ("y", Arc::new(BooleanArray::from(vec![true]))),
        ("label", numbers(&[1.0])),
    ]);
    let expected = "column \"x\" is of type Utf8, not numeric; name the feature columns to leave it \
        out\n\
        column \"y\" is of type Boolean, not numeric; name the feature columns to leave it out\n\
        column \"label\" is of type Float64; labels and owners are texts or integers";
    check(&rows, &Columns::default(), expected);
    let rows = batch(vec![("x", numbers(&[1.0]))]);
    check(&rows, &Columns::default(), "there is no column \"label\"");
    let none = batch(vec![("x", numbers(&[])), ("label", texts(&[]))]);
    check(&none, &Columns::default(), "there are no rows");
}

#[test]
fn a_file_that_unpacks_to_more_than_its_limit_is_refused() {
    // A million equal numbers take a few hundred bytes in Parquet, and eight million in memory.
    let rows = batch(vec![
        ("x", numbers(&vec![1.0; 1_000_000])),
        ("label", texts(&vec!["a"; 1_000_000])),
    ]);
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    let small: Bytes = writer.into_inner().unwrap().into();
    assert!(small.len() < 100_000);
    for (bytes, limit) in [(small, 4 * MIB), (as_file(&rows.slice(0, 30_000)), MIB / 8)] {
        let refused = told(read_within(bytes.clone(), &Columns::default(), limit));
        assert_eq!(
            refused,
            format!("the rows need more than {limit} bytes of memory; divide the file")
        );
        assert!(read_within(bytes, &Columns::default(), 32 * MIB).is_ok());
    }
}

/// Files written by pyarrow: labels as a dictionary, an embedding of 32-bit numbers.
#[test]
fn files_of_another_writer_are_read() {
    let parquet = include_bytes!("fixtures/pyarrow.parquet").as_slice();
    let arrow = include_bytes!("fixtures/pyarrow.arrow").as_slice();
    for bytes in [parquet, arrow] {
        assert_eq!(
            told(read_table(Bytes::from_static(bytes), &Columns::default())),
            "x,embedding[0],embedding[1]: [1.0, 0.5, 1.0] cat Some(\"ann\"); \
             [2.0, 1.5, 2.0] dog Some(\"bob\"); [3.0, 2.5, 3.0] cat Some(\"ann\")"
        );
    }
    let compressed = include_bytes!("fixtures/compressed.feather").as_slice();
    let refused = told(read_table(
        Bytes::from_static(compressed),
        &Columns::default(),
    ));
    assert!(refused.contains("lz4"), "{refused}");
}

#[test]
fn a_cut_file_is_refused() {
    let rows = batch(vec![("x", numbers(&[1.0])), ("label", texts(&["a"]))]);
    for (kind, bytes) in files(&rows) {
        let cut = bytes.slice(..bytes.len() - 40);
        let found = told(read_table(cut, &Columns::default()));
        assert!(found.contains("file cannot be read: "), "{kind}: {found}");
    }
}

/// Whatever a byte is changed to, the answer is a table or a list of violations.
#[test]
fn damaged_files_are_refused_or_read() {
    let pairs = vec![Some(vec![Some(1.0), Some(2.0)]); 4];
    let list = ListArray::from_iter_primitive::<Float64Type, _, _>(pairs);
    let dictionary: DictionaryArray<Int8Type> = ["a", "b", "a", "c"].into_iter().collect();
    let rows = batch(vec![
        ("x", numbers(&[1.0, 2.0, 3.0, 4.0])),
        ("e", Arc::new(list)),
        ("label", Arc::new(dictionary)),
    ]);
    for (kind, bytes) in files(&rows) {
        for place in 0..bytes.len() {
            for change in [0x01u8, 0x80, 0xff] {
                let mut damaged = bytes.to_vec();
                damaged[place] ^= change;
                match read_within(damaged.into(), &Columns::default(), MIB) {
                    Ok(table) => assert!(table.rows() > 0),
                    Err(found) => assert!(!found.is_empty(), "{kind}: byte {place}"),
                }
            }
        }
    }
}
