//! What a scene file may open: local files. A listener on loopback counts who comes.

use crate::support::{Pair, change, compose, stderr};
use gdal::Metadata;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Answers every request with "not found", and counts.
struct Listener {
    address: SocketAddr,
    count: Arc<AtomicUsize>,
}

impl Listener {
    fn new() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, count) = (socket.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let counter = count.clone();
        // It ends with the process of the tests.
        std::thread::spawn(move || {
            for stream in socket.incoming() {
                counter.fetch_add(1, Ordering::SeqCst);
                let Ok(mut stream) = stream else { continue };
                stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
                let _ = stream.read(&mut [0; 1024]);
                let _ = stream
                    .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            }
        });
        Self { address, count }
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

/// Runs the program in the folder of a pair, in an environment that would let GDAL do anything.
fn run(pair: &Pair, listener: &Listener, args: &[&str]) -> Output {
    let mut command = compose();
    command.current_dir(pair.folder.path()).args(args);
    for proxy in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(proxy);
    }
    command
        .env("GDAL_VRT_ENABLE_PYTHON", "YES")
        .env("GDAL_VRT_RAWRASTERBAND_ALLOWED_SOURCE", "ALL")
        .env("CPL_VSIL_CURL_ALLOWED_FILENAME", format!("/vsicurl/http://{}/x.tif", listener.address))
        .env("AWS_NO_SIGN_REQUEST", "YES")
        .env("AWS_S3_ENDPOINT", listener.address.to_string())
        .env("AWS_HTTPS", "NO")
        .env("AWS_VIRTUAL_HOSTING", "FALSE")
        .env("GDAL_HTTP_TIMEOUT", "5");
    command.output().unwrap()
}

/// The ways in which a scene file is opened.
const WAYS: [&[&str]; 4] = [
    &["--rules", "rules.toml", "-q"],
    &["--rules", "rules.toml", "--plan"],
    &["inspect", "a_b1.tif"],
    &["evaluate", "--rules", "rules.toml", "-q"],
];

/// Refused in every way, in one line that names the file and holds `reason`, without a request.
fn refused_without_a_request(pair: &Pair, what: &str, reason: &str, listener: &Listener) {
    let before = listener.count();
    for way in WAYS {
        let began = Instant::now();
        let output = run(pair, listener, way);
        let said = stderr(&output);
        let context = format!("{what}, {way:?}: {said}");
        assert_eq!(output.status.code(), Some(2), "{context}");
        assert!(said.starts_with("error: ") && said.trim_end().lines().count() == 1, "{context}");
        assert!(said.contains("a_b1.tif") && said.contains(reason), "{context}\nexpected: {reason}");
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}, {context}", began.elapsed());
        assert_eq!(listener.count(), before, "requests; {context}");
    }
}

/// GDAL would fetch the coordinate system of such a file.
#[test]
fn the_file_of_an_area_makes_no_request() {
    let (pair, listener) = (Pair::new(), Listener::new());
    let address = listener.address;
    let ring = "[[[405000,4499940],[405120,4499940],[405120,4500000],[405000,4499940]]]";
    for (crs, said) in [
        (format!(r#"{{"type":"link","properties":{{"href":"http://{address}/x"}}}}"#), "link to an address"),
        (format!(r#"{{"type":"URL","properties":{{"url":"http://{address}/x"}}}}"#), "link to an address"),
        (format!(r#"{{"type":"name","properties":{{"name":"http://{address}/x"}}}}"#), "area.geojson"),
    ] {
        let text = format!(r#"{{"type":"Polygon","crs":{crs},"coordinates":{ring}}}"#);
        std::fs::write(pair.path("area.geojson"), text).unwrap();
        let output = run(&pair, &listener, &["--rules", "rules.toml", "--area", "area.geojson"]);
        let told = stderr(&output);
        assert!(told.starts_with("error: --area: area.geojson: ") && told.contains(said), "{told}");
        assert_eq!((output.status.code(), told.trim_end().lines().count()), (Some(2), 1), "{told}");
        assert_eq!(listener.count(), 0, "{told}");
    }
    for name in [format!("http://{address}/a.geojson"), format!("/vsicurl/http://{address}/a.geojson")] {
        let output = run(&pair, &listener, &["--rules", "rules.toml", "--area", &name]);
        assert!(stderr(&output).trim_end().ends_with("no such file"), "{}", stderr(&output));
        assert_eq!(listener.count(), 0);
    }
}

fn vrt(band: &str) -> String {
    let grid = "<SRS>EPSG:32613</SRS><GeoTransform>405000,30,0,4500000,0,-30</GeoTransform>";
    format!("<VRTDataset rasterXSize=\"4\" rasterYSize=\"3\">{grid}{band}</VRTDataset>")
}

fn band(inner: &str) -> String {
    vrt(&format!("<VRTRasterBand dataType=\"UInt16\" band=\"1\">{inner}</VRTRasterBand>"))
}

fn source(name: &str) -> String {
    band(&format!(
        "<SimpleSource><SourceFilename>{name}</SourceFilename><SourceBand>1</SourceBand></SimpleSource>"
    ))
}

const ADDRESS: &str = "scene files may open local files only";
const DRIVER: &str = "is not among those for scenes";

/// Texts that are no scenes, each with a part of what must be said.
fn texts(at: &SocketAddr) -> Vec<(&'static str, String, &'static str)> {
    [sources(at), other_parts(at), services(at)].concat()
}

/// VRTs, by how their sources are named.
fn sources(at: &SocketAddr) -> Vec<(&'static str, String, &'static str)> {
    let url = format!("http://{at}/x.tif");
    let curl = format!("/vsicurl/{url}");
    vec![
        ("a source over /vsicurl", source(&curl), ADDRESS),
        ("a source at an address", source(&url), ADDRESS),
        ("capitals", source(&curl.to_uppercase()), ADDRESS),
        ("an attribute", band(&format!("<SimpleSource SourceFilename=\"{curl}\"/>")), ADDRESS),
        (
            "small letters",
            band(&format!("<simplesource><sourcefilename>{url}</sourcefilename></simplesource>")),
            ADDRESS,
        ),
        ("an entity", source(&format!("&#47;vsicurl/{url}")), ADDRESS),
        ("CDATA", source(&format!("<![CDATA[{curl}]]>")), ADDRESS),
        ("s3", source("/vsis3/bucket/x.tif"), ADDRESS),
        ("a chain", source(&format!("/vsizip//vsicurl/http://{at}/x.zip/x.tif")), ADDRESS),
        ("standard input", source("/vsistdin/"), ADDRESS),
        ("a connection", source(&format!("WMS:http://{at}/?")), ADDRESS),
        (
            "a driver's prefix",
            source("DERIVED_SUBDATASET:LOGAMPLITUDE:b_b1.tif"),
            "expected the path of a file",
        ),
        ("a VRT in the name", source("&lt;VRTDataset/&gt;"), "expected the path of a file"),
        ("a device", source("/dev/zero"), "is a device"),
    ]
}

/// VRTs that name something elsewhere, or have what is not taken.
fn other_parts(at: &SocketAddr) -> Vec<(&'static str, String, &'static str)> {
    let url = format!("http://{at}/x.tif");
    let curl = format!("/vsicurl/{url}");
    let raw = |name: &str| {
        let inner = format!(
            "<SourceFilename relativeToVRT=\"0\">{name}</SourceFilename><ImageOffset>0</ImageOffset>"
        );
        vrt(&format!(
            "<VRTRasterBand dataType=\"Byte\" band=\"1\" subClass=\"VRTRawRasterBand\">{inner}</VRTRasterBand>"
        ))
    };
    let warped = |options: &str| {
        let options = format!("<GDALWarpOptions>{options}</GDALWarpOptions>");
        let open = "<VRTDataset rasterXSize=\"4\" rasterYSize=\"3\" subClass=\"VRTWarpedDataset\">";
        let bands = "<VRTRasterBand dataType=\"UInt16\" band=\"1\" subClass=\"VRTWarpedRasterBand\"/>";
        format!("{open}{bands}{options}</VRTDataset>")
    };
    let own = "<SourceDataset relativeToVRT=\"1\">b_b1.tif</SourceDataset>";
    vec![
        ("a mask", vrt(&format!("<MaskBand>{}</MaskBand>", source(&curl))), ADDRESS),
        (
            "an overview",
            band(&format!("<Overview><SourceFilename>{curl}</SourceFilename></Overview>")),
            ADDRESS,
        ),
        ("a warped VRT", warped(&format!("<SourceDataset>{curl}</SourceDataset>")), ADDRESS),
        (
            "a warped VRT with heights elsewhere",
            warped(&format!(
                "{own}<Transformer><RPCTransformer><DEMPath>{curl}</DEMPath></RPCTransformer></Transformer>"
            )),
            ADDRESS,
        ),
        (
            "a warped VRT with a system elsewhere",
            warped(&format!("{own}<Transformer><SourceSRS>{url}</SourceSRS></Transformer>")),
            ADDRESS,
        ),
        ("a system elsewhere", vrt(&format!("<SRS>{url}</SRS>")), ADDRESS),
        (
            "raw samples of a list of users",
            raw("/etc/passwd"),
            "raw samples are taken from the folder of the VRT alone",
        ),
        ("raw samples elsewhere", raw(&curl), ADDRESS),
        (
            "Python",
            band(
                "<PixelFunctionType>f</PixelFunctionType><PixelFunctionLanguage>Python</PixelFunctionLanguage>",
            ),
            "a pixel function in Python is not taken",
        ),
        (
            "another class",
            vrt("<VRTRasterBand subClass=\"VRTOther\"/>"),
            "subClass \"VRTOther\" is not taken",
        ),
        ("itself", source("a_b1.tif"), "names itself"),
        (
            "an entity bomb",
            format!("<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>{}", source("&b;")),
            "is no VRT",
        ),
    ]
}

/// What is no raster of its own.
fn services(at: &SocketAddr) -> Vec<(&'static str, String, &'static str)> {
    let url = format!("http://{at}/x.tif");
    let curl = format!("/vsicurl/{url}");
    vec![
        (
            "a description of a map service",
            format!(
                "<GDAL_WMS><Service name=\"WMS\"><ServerUrl>http://{at}/?</ServerUrl></Service></GDAL_WMS>"
            ),
            "driver WMS",
        ),
        (
            "tiles",
            format!(
                "<GDAL_WMS><Service name=\"TMS\"><ServerUrl>http://{at}/${{z}}</ServerUrl></Service><DataWindow><SizeX>4</SizeX></DataWindow></GDAL_WMS>"
            ),
            DRIVER,
        ),
        (
            "WMTS",
            format!("<GDAL_WMTS><GetCapabilitiesUrl>http://{at}/</GetCapabilitiesUrl></GDAL_WMTS>"),
            "driver WMTS",
        ),
        (
            "WCS",
            format!(
                "<WCS_GDAL><ServiceURL>http://{at}/?</ServiceURL><CoverageName>x</CoverageName></WCS_GDAL>"
            ),
            "driver WCS",
        ),
        (
            "MRF",
            format!("<MRF_META><CachedSource><Source>{curl}</Source></CachedSource></MRF_META>"),
            "driver MRF",
        ),
        (
            "a tile index",
            format!("<GDALTileIndexDataset><IndexDataset>{curl}</IndexDataset></GDALTileIndexDataset>"),
            "driver GTI",
        ),
        (
            "a pipeline",
            format!(
                "{{\"type\":\"gdal_streamed_alg\",\"command_line\":\"gdal raster convert {curl} x.tif\"}}"
            ),
            "driver GDALG",
        ),
        (
            "a catalogue",
            format!(
                "{{\"type\":\"Feature\",\"stac_version\":\"1.0.0\",\"assets\":{{\"a\":{{\"href\":\"{url}\"}}}}}}"
            ),
            DRIVER,
        ),
    ]
}

#[test]
fn no_scene_file_makes_a_request_or_opens_what_it_may_not() {
    let listener = Listener::new();
    let pair = Pair::new();
    for (what, text, reason) in texts(&listener.address) {
        std::fs::write(pair.path("a_b1.tif"), text).unwrap();
        refused_without_a_request(&pair, what, reason, &listener);
    }
    // In a VRT in a VRT, with a name that says nothing.
    for (_, text, _) in texts(&listener.address).iter().take(4) {
        std::fs::write(pair.path("inner.tif"), text).unwrap();
        std::fs::write(pair.path("a_b1.tif"), source("inner.tif")).unwrap();
        refused_without_a_request(&pair, "a nested VRT", "inner.tif: ", &listener);
    }
    let service = &texts(&listener.address).into_iter().find(|(what, ..)| *what == "tiles").unwrap().1;
    std::fs::write(pair.path("inner.tif"), service).unwrap();
    refused_without_a_request(&pair, "a service in a VRT", "driver WMS", &listener);
}

#[test]
fn nothing_beside_a_scene_makes_a_request() {
    let listener = Listener::new();
    let curl = format!("/vsicurl/http://{}/x.tif", listener.address);
    for ending in ["msk", "ovr"] {
        let pair = Pair::new();
        std::fs::write(pair.path("a_b1.tif").with_extension(format!("tif.{ending}")), source(&curl)).unwrap();
        refused_without_a_request(&pair, ending, ADDRESS, &listener);
    }
    let pair = Pair::new();
    let item = format!("<MDI key=\"OVERVIEW_FILE\">{curl}</MDI>");
    let aux = format!("<PAMDataset><Metadata domain=\"OVERVIEWS\">{item}</Metadata></PAMDataset>");
    std::fs::write(pair.path("a_b1.tif.aux.xml"), aux).unwrap();
    refused_without_a_request(&pair, "overviews named beside", ADDRESS, &listener);
    let pair = Pair::new();
    change(&pair.path("a_b1.tif"), |d| d.set_metadata_item("OVERVIEW_FILE", &curl, "OVERVIEWS").unwrap());
    refused_without_a_request(&pair, "overviews named inside", ADDRESS, &listener);
    std::fs::write(pair.path("a_b1.tif.aux.xml"), "").unwrap();
    std::fs::File::create(pair.path("a_b1.tif.aux.xml")).unwrap().set_len(65 << 20).unwrap();
    refused_without_a_request(&pair, "a huge text beside", "at most 67108864 are read", &listener);
}

#[test]
fn no_coordinate_system_is_fetched() {
    let listener = Listener::new();
    let pair = Pair::new();
    let url = format!("http://{}/crs", listener.address);
    std::fs::write(pair.path("crs.txt"), &url).unwrap();
    for crs in [&url, "/vsistdin/", "crs.txt", "+proj=longlat +nadgrids=http://127.0.0.1/x"] {
        for args in [["--dst-crs", crs, "--res", "30"], ["--bounds", "0 0 1 1", "--bounds-crs", crs]] {
            let output = run(&pair, &listener, &[&["--rules", "rules.toml"], &args[..]].concat());
            let said = stderr(&output);
            assert_eq!(output.status.code(), Some(2), "{said}");
            assert!(
                said.contains("which is not opened; expected a code") && said.lines().count() == 1,
                "{said}"
            );
        }
    }
    pair.append(&format!("[grid]\ncrs = \"{url}\"\nresolution = 30\n"));
    let said = pair.refused(&[]);
    assert!(
        said.contains("rules.toml:29: [grid] crs: CRS \"http") && said.contains("is an address"),
        "{said}"
    );
    assert_eq!(listener.count(), 0);
}

#[test]
fn the_rules_can_let_vrts_read_from_addresses_and_drivers_read_scenes() {
    let listener = Listener::new();
    let pair = Pair::new();
    let control = Listener::new();
    std::fs::write(pair.path("a_b1.tif"), source(&format!("/vsicurl/http://{}/x.tif", listener.address)))
        .unwrap();
    pair.change("[scenes]", "[scenes]\nnetwork = true");
    let mut command = compose();
    let output =
        command.current_dir(pair.folder.path()).args(["--rules", "rules.toml"]).env("no_proxy", "127.0.0.1");
    assert_eq!(output.output().unwrap().status.code(), Some(2));
    assert!(listener.count() > 0, "the listener counts, and the rule lets through");
    std::fs::write(pair.path("a_b1.tif"), source("/vsistdin/")).unwrap();
    assert!(pair.refused(&[]).contains("a virtual file"));
    // A description of a service is for who names its driver.
    let (_, service, _) = texts(&control.address).into_iter().find(|(what, ..)| *what == "WCS").unwrap();
    std::fs::write(pair.path("a_b1.tif"), service).unwrap();
    pair.change("network = true", "drivers = [\"WCX\"]");
    let said = pair.refused(&[]);
    assert!(
        said.contains("rules.toml:2: [scenes] drivers: this GDAL has no driver \"WCX\"; did you mean"),
        "{said}"
    );
    pair.change("WCX", "WCS");
    let mut command = compose();
    let output =
        command.current_dir(pair.folder.path()).args(["--rules", "rules.toml"]).env("no_proxy", "127.0.0.1");
    assert_eq!(output.output().unwrap().status.code(), Some(2));
    assert!(control.count() > 0, "named drivers are let through");
}

#[test]
fn local_vrts_are_composed_as_before() {
    let pair = Pair::new();
    let expected = pair.result(&[]);
    std::fs::rename(pair.path("a_b1.tif"), pair.path("real & 1.tif")).unwrap();
    let grid = "<NoDataValue>0</NoDataValue>";
    let inner = band(&format!(
        "{grid}<SimpleSource><SourceFilename relativeToVRT=\"1\">real &amp; 1.tif</SourceFilename><SourceBand>1</SourceBand></SimpleSource>"
    ));
    std::fs::write(pair.path("inner.vrt"), inner).unwrap();
    let outer = source("inner.vrt").replace("<SimpleSource>", &format!("{grid}<SimpleSource>"));
    std::fs::write(pair.path("a_b1.tif"), outer).unwrap();
    assert_eq!(pair.result(&["--overwrite"]), expected);
    // Raw samples beside it.
    let raw: Vec<u8> = (0..12_u16).flat_map(|i| (100 + i).to_le_bytes()).collect();
    std::fs::write(pair.path("samples.raw"), raw).unwrap();
    let inner = "<SourceFilename relativeToVRT=\"1\">samples.raw</SourceFilename><ImageOffset>0</ImageOffset>\
                 <PixelOffset>2</PixelOffset><LineOffset>8</LineOffset><ByteOrder>LSB</ByteOrder>";
    let raw = format!(
        "<VRTRasterBand dataType=\"UInt16\" band=\"1\" subClass=\"VRTRawRasterBand\">{grid}{inner}</VRTRasterBand>"
    );
    std::fs::write(pair.path("a_b1.tif"), vrt(&raw)).unwrap();
    assert_eq!(pair.result(&["--overwrite"]), expected);
    // A link out of the folder is no way round.
    std::fs::remove_file(pair.path("samples.raw")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", pair.path("samples.raw")).unwrap();
    let output = pair.compose(&["--overwrite"]);
    assert!(stderr(&output).contains("from the folder of the VRT alone"), "{}", stderr(&output));
}

#[test]
fn bombs_are_refused_in_seconds() {
    let listener = Listener::new();
    let pair = Pair::new();
    let one = "<SimpleSource><SourceFilename relativeToVRT=\"1\">b_b1.tif</SourceFilename></SimpleSource>";
    let refused = |text: String, reason: &str| {
        std::fs::write(pair.path("a_b1.tif"), text).unwrap();
        refused_without_a_request(&pair, reason, reason, &listener);
    };
    refused(band(&one.repeat(100_000)), "reads more than 10000 sources");
    refused(band(&"<Overview>".repeat(300_000)), "is no VRT");
    let deep = format!("{}{}", "<Overview>".repeat(100_000), "</Overview>".repeat(100_000));
    refused(band(&deep), "not a raster that GDAL can open");
    refused(band(&format!("{one}{}", " ".repeat(17 << 20))), "at most 16777216 are read");
    // Each reads the next a hundred times.
    for level in 0..6 {
        let name = |level: usize| format!("level{level}.vrt");
        let next = if level == 5 { "b_b1.tif".into() } else { name(level + 1) };
        std::fs::write(pair.path(&name(level)), band(&one.replace("b_b1.tif", &next).repeat(100))).unwrap();
    }
    refused(source("level0.vrt"), "reads more than 10000 sources");
    for level in 0..30 {
        let next = if level == 29 { "b_b1.tif".into() } else { format!("deep{}.vrt", level + 1) };
        std::fs::write(pair.path(&format!("deep{level}.vrt")), source(&next)).unwrap();
    }
    refused(source("deep0.vrt"), "more than 8 deep");
}

#[test]
fn a_pipe_is_no_scene() {
    let listener = Listener::new();
    let pair = Pair::new();
    let make = |path: &Path| {
        let status = std::process::Command::new("mkfifo").arg(path).status().unwrap();
        assert!(status.success());
    };
    make(&pair.path("a_b1.tif.msk"));
    refused_without_a_request(&pair, "a mask that is a pipe", "a_b1.tif.msk: is a device, a pipe", &listener);
    std::fs::remove_file(pair.path("a_b1.tif")).unwrap();
    make(&pair.path("a_b1.tif"));
    let said = stderr(&run(&pair, &listener, WAYS[2]));
    assert!(said.contains("a_b1.tif: is a device, a pipe or a socket; expected a file"), "{said}");
}
