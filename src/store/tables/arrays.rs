//! Cells out of Arrow arrays: numbers, lists of numbers, and texts.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;

/// Returns whether an array of a type holds numbers.
pub fn is_numeric(kind: &DataType) -> bool {
    kind.is_integer() || kind.is_floating()
}

/// Returns the type of the elements, if a type is of lists.
pub fn element_type(kind: &DataType) -> Option<&DataType> {
    match kind {
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
            Some(field.data_type())
        }
        _ => None,
    }
}

/// Returns whether an array of a type holds texts or integers, which labels are compared by.
pub fn is_textual(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_textual(values),
        other => other.is_integer(),
    }
}

/// Gives `each` the numbers of an array in order, none where a cell is empty.
///
/// Integers above 2^53 in size become the nearest `f64`, as they do when they are read as text.
pub fn for_each_number(array: &dyn Array, each: &mut dyn FnMut(Option<f64>)) {
    match array.data_type() {
        DataType::Float64 => numbers::<Float64Type>(array, each, |x| x),
        DataType::Float32 => numbers::<Float32Type>(array, each, f64::from),
        DataType::Float16 => numbers::<Float16Type>(array, each, f64::from),
        DataType::Int8 => numbers::<Int8Type>(array, each, f64::from),
        DataType::Int16 => numbers::<Int16Type>(array, each, f64::from),
        DataType::Int32 => numbers::<Int32Type>(array, each, f64::from),
        DataType::Int64 => numbers::<Int64Type>(array, each, |x| x as f64),
        DataType::UInt8 => numbers::<UInt8Type>(array, each, f64::from),
        DataType::UInt16 => numbers::<UInt16Type>(array, each, f64::from),
        DataType::UInt32 => numbers::<UInt32Type>(array, each, f64::from),
        DataType::UInt64 => numbers::<UInt64Type>(array, each, |x| x as f64),
        _ => {}
    }
}

fn numbers<Kind: ArrowPrimitiveType>(
    array: &dyn Array,
    each: &mut dyn FnMut(Option<f64>),
    number: impl Fn(Kind::Native) -> f64,
) {
    if let Some(array) = array.as_primitive_opt::<Kind>() {
        for cell in array {
            each(cell.map(&number));
        }
    }
}

/// Gives `each` the lists of an array in order, none where a cell is empty.
pub fn for_each_list(array: &dyn Array, each: &mut dyn FnMut(Option<ArrayRef>)) {
    if let Some(lists) = array.as_list_opt::<i32>() {
        lists.iter().for_each(each);
    } else if let Some(lists) = array.as_list_opt::<i64>() {
        lists.iter().for_each(each);
    } else if let Some(lists) = array.as_fixed_size_list_opt() {
        lists.iter().for_each(each);
    }
}

/// Gives `each` the texts of an array in order, integers in digits, none where a cell is empty.
pub fn for_each_text(array: &dyn Array, each: &mut dyn FnMut(Option<&str>)) {
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().iter().for_each(each),
        DataType::LargeUtf8 => array.as_string::<i64>().iter().for_each(each),
        DataType::Utf8View => array.as_string_view().iter().for_each(each),
        DataType::Dictionary(..) => dictionary_texts(array, each),
        DataType::Int8 => integers::<Int8Type>(array, each),
        DataType::Int16 => integers::<Int16Type>(array, each),
        DataType::Int32 => integers::<Int32Type>(array, each),
        DataType::Int64 => integers::<Int64Type>(array, each),
        DataType::UInt8 => integers::<UInt8Type>(array, each),
        DataType::UInt16 => integers::<UInt16Type>(array, each),
        DataType::UInt32 => integers::<UInt32Type>(array, each),
        DataType::UInt64 => integers::<UInt64Type>(array, each),
        _ => {}
    }
}

fn integers<Kind: ArrowPrimitiveType>(array: &dyn Array, each: &mut dyn FnMut(Option<&str>))
where
    Kind::Native: ToString,
{
    if let Some(array) = array.as_primitive_opt::<Kind>() {
        for cell in array {
            each(cell.map(|cell| cell.to_string()).as_deref());
        }
    }
}

fn dictionary_texts(array: &dyn Array, each: &mut dyn FnMut(Option<&str>)) {
    let Some(dictionary) = array.as_any_dictionary_opt() else {
        return;
    };
    let mut texts = Vec::with_capacity(dictionary.values().len());
    for_each_text(dictionary.values(), &mut |text| {
        texts.push(text.map(str::to_owned));
    });
    if texts.is_empty() {
        // Keys of an empty dictionary can only be null.
        (0..array.len()).for_each(|_| each(None));
        return;
    }
    for (row, key) in dictionary.normalized_keys().into_iter().enumerate() {
        let text = texts.get(key).and_then(Option::as_deref);
        each(text.filter(|_| !dictionary.keys().is_null(row)));
    }
}
