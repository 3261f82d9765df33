//! A picture that was sent as a logo: of which kind it is and how large, by its content. It is not decoded.

use super::Picture;

/// Bytes of a logo.
pub const LARGEST: usize = 200_000;
/// Pixels of a side.
const LONGEST_SIDE: u64 = 1024;

/// # Errors
/// A sentence for beside the field.
pub fn read(bytes: &[u8]) -> Result<Picture, String> {
    if bytes.len() > LARGEST {
        return Err(format!("The picture has {} kB; a logo may have 200 kB.", bytes.len().div_ceil(1000)));
    }
    let (kind, size) = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        ("png", png(bytes))
    } else if bytes.starts_with(b"\xff\xd8\xff") {
        ("jpg", jpeg(bytes))
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        ("webp", webp(bytes))
    } else if String::from_utf8_lossy(&bytes[..bytes.len().min(1000)]).contains("<svg") {
        return Err("An SVG picture can hold script, so none is taken. Save it as PNG or WebP and choose that file.".to_owned());
    } else {
        return Err("The file is no PNG, JPEG or WebP picture.".to_owned());
    };
    let (width, height) = size.filter(|(width, height)| *width > 0 && *height > 0).ok_or("The picture is damaged.")?;
    if width > LONGEST_SIDE || height > LONGEST_SIDE {
        return Err(format!("The picture is {width} × {height} pixels; a logo may have 1,024 a side."));
    }
    let side = |side: u64| i64::try_from(side).unwrap_or(i64::MAX);
    Ok(Picture { kind, width: side(width), height: side(height) })
}

/// An unsigned number, big-endian.
fn big(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    Some(bytes.get(at..at + length)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn little(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    Some(bytes.get(at..at + length)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// PNG (third edition), 11.2.1: the header comes first.
fn png(bytes: &[u8]) -> Option<(u64, u64)> {
    (bytes.get(12..16)? == b"IHDR").then_some((big(bytes, 16, 4)?, big(bytes, 20, 4)?))
}

/// ITU T.81, B.2.2: the size stands in the start of a frame.
fn jpeg(bytes: &[u8]) -> Option<(u64, u64)> {
    let mut at = 2;
    loop {
        match (*bytes.get(at)?, *bytes.get(at + 1)?) {
            (0xff, 0xff) => at += 1,
            (0xff, marker) if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                return Some((big(bytes, at + 7, 2)?, big(bytes, at + 5, 2)?));
            }
            (0xff, marker) if !matches!(marker, 0xd8..=0xda) => {
                at += 2 + usize::try_from(big(bytes, at + 2, 2)?.max(2)).ok()?;
            }
            _ => return None,
        }
    }
}

/// RFC 9649, 2.5 to 2.7.
fn webp(bytes: &[u8]) -> Option<(u64, u64)> {
    match bytes.get(12..16)? {
        b"VP8 " if bytes.get(23..26)? == b"\x9d\x01\x2a" => Some((little(bytes, 26, 2)? & 0x3fff, little(bytes, 28, 2)? & 0x3fff)),
        b"VP8L" if *bytes.get(20)? == 0x2f => {
            let bits = little(bytes, 21, 4)?;
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        b"VP8X" => Some((little(bytes, 24, 3)? + 1, little(bytes, 27, 3)? + 1)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn size(bytes: &[u8]) -> Result<(&'static str, i64, i64), String> {
        read(bytes).map(|picture| (picture.kind, picture.width, picture.height))
    }

    fn png_of(width: u32, height: u32) -> Vec<u8> {
        [b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".as_slice(), &width.to_be_bytes(), &height.to_be_bytes(), b"\x08\x06\0\0\0"].concat()
    }

    #[test]
    fn kind_and_size_are_read_off_the_content() {
        assert_eq!(size(&png_of(120, 40)), Ok(("png", 120, 40)));
        let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xff\xc2\0\x11\x08\0\x28\0\x78\x03";
        assert_eq!(size(jpeg), Ok(("jpg", 120, 40)));
        assert_eq!(size(b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x78\0\x28\0"), Ok(("webp", 120, 40)));
        assert_eq!(size(b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f\x77\xc0\x09\0"), Ok(("webp", 120, 40)));
        assert_eq!(size(b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0\x77\0\0\x27\0\0"), Ok(("webp", 120, 40)));
    }

    #[test]
    fn what_is_no_logo_is_refused_with_the_reason() {
        for (bytes, reason) in [
            (b"<?xml version=\"1.0\"?><svg onload=\"x\"/>".to_vec(), "SVG"),
            (b"GIF89a".to_vec(), "no PNG"),
            (Vec::new(), "no PNG"),
            (png_of(1025, 1), "1025 × 1 pixels"),
            (png_of(0, 1), "damaged"),
            (b"\x89PNG\r\n\x1a\n".to_vec(), "damaged"),
            (b"\xff\xd8\xff\xda\0\x04".to_vec(), "damaged"),
            ([png_of(10, 10), vec![0; 200_000]].concat(), "201 kB"),
        ] {
            let told = size(&bytes).unwrap_err();
            assert!(told.contains(reason), "{told}");
        }
    }

    proptest! {
        #[test]
        fn nonsense_is_read_without_harm(head in 0usize..4, rest in prop::collection::vec(any::<u8>(), 0..80)) {
            let heads: [&[u8]; 4] = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBPVP8L", b"RIFF\0\0\0\0WEBP"];
            let _ = read(&[heads[head], &rest].concat());
        }
    }
}
