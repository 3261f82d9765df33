//! Compresses the static files and gives them names that change with their content.

use std::{env, fs, io::Write, path::Path};

use sha2::{Digest, Sha256};

fn main() {
    println!("cargo:rerun-if-changed=static");
    println!("cargo:rerun-if-changed=migrations");
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let mut files = Vec::new();
    collect(Path::new("static"), &mut files);
    files.sort();
    let mut table = String::from("pub static ASSETS: &[Asset] = &[\n");
    for path in files {
        let name = path.strip_prefix("static/").expect("below static").to_owned();
        let bytes = fs::read(&path).expect("a readable file");
        let hash: String = Sha256::digest(&bytes).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let (stem, extension) = name.rsplit_once('.').expect("a static file has an extension");
        let hashed = format!("{stem}.{hash}.{extension}");
        let place = Path::new(&out).join(name.replace('/', "_"));
        let (plain, brotli, gzip) = (
            place.with_extension(format!("{extension}.plain")),
            place.with_extension(format!("{extension}.br")),
            place.with_extension(format!("{extension}.gz")),
        );
        fs::write(&plain, &bytes).expect("write");
        let mut packed = Vec::new();
        brotli::BrotliCompress(&mut bytes.as_slice(), &mut packed, &brotli::enc::BrotliEncoderParams { quality: 11, ..Default::default() })
            .expect("brotli");
        fs::write(&brotli, &packed).expect("write");
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&bytes).expect("gzip");
        fs::write(&gzip, encoder.finish().expect("gzip")).expect("write");
        table.push_str(&format!(
            "    Asset {{ name: {name:?}, hashed: {hashed:?}, url: {:?}, kind: {:?}, plain: include_bytes!({plain:?}), brotli: include_bytes!({brotli:?}), gzip: include_bytes!({gzip:?}) }},\n",
            format!("/assets/{hashed}"),
            kind(extension),
        ));
    }
    table.push_str("];\n");
    fs::write(Path::new(&out).join("assets.rs"), table).expect("write");
}

fn collect(folder: &Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path.to_str().expect("UTF-8").to_owned());
        }
    }
}

fn kind(extension: &str) -> &'static str {
    match extension {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        other => panic!("no content type for .{other}"),
    }
}
