//! A server whose certificate nobody trusts.

use crate::{Client, Href, Options, read};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection};
use std::net::TcpListener;
use std::sync::Arc;

/// A certificate of `localhost` that it signed itself, made for this test alone.
const CERTIFICATE: &str = "\
     3082019330820138a0030201020214514f48c0bd322240e9848cd954e7fb6d5fe17d46300a06082a8648ce3d040302301431\
     12301006035504030c096c6f63616c686f73743020170d3236313230313033353933305a180f323132363131303730333539\
     33305a30143112301006035504030c096c6f63616c686f73743059301306072a8648ce3d020106082a8648ce3d0301070342\
     0004c3c171f81231e99d13fe4fbd9374fbf991d7e735e111c6fb567adf54181de88b78385b9edc9fd96b25b23a1f5316be11\
     5f09a37bb33e35dc79949ec7f9db6748a3663064301d0603551d0e041604144b206d4ebb6b3351142a605937cc0caf6d84c8\
     b8301f0603551d230418301680144b206d4ebb6b3351142a605937cc0caf6d84c8b830140603551d11040d300b82096c6f63\
     616c686f7374300c0603551d130101ff04023000300a06082a8648ce3d040302034900304602210092ba99490be90e381a3c\
     dbaa90e413c695e735f2ca1f75df545ef0cd1b231dce022100aee0c7fcb0bcbc0f97c20cc1bf246c04d1c96da57678d2d305\
     755ef87d9cb67e";
/// Its key, which guards nothing.
const KEY: &str = "\
     308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b020101042048ce7a445309e542c0a887a5efe0\
     2bc02df41a56f4b13d4fcfeda30715f70be4a14403420004c3c171f81231e99d13fe4fbd9374fbf991d7e735e111c6fb567a\
     df54181de88b78385b9edc9fd96b25b23a1f5316be115f09a37bb33e35dc79949ec7f9db6748";

fn bytes(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

#[test]
fn a_certificate_that_fails_is_told_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(bytes(KEY)));
        let chain = vec![CertificateDer::from(bytes(CERTIFICATE))];
        let config = config.with_no_client_auth().with_single_cert(chain, key).unwrap();
        let mut connection = ServerConnection::new(Arc::new(config)).unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        // The other side breaks it off.
        let _ = connection.complete_io(&mut stream);
    });
    let href = Href::Url(format!("https://127.0.0.1:{port}/a.json?sig=secret"));
    let error = read(&href, Some(&Client::direct(Options::default()))).unwrap_err().to_string();
    server.join().unwrap();
    // Where the system trusts nobody at all, that is told.
    let told = format!("https://127.0.0.1:{port}/a.json: no secure connection: ");
    assert!(error.starts_with(&told) && error.contains("certificate"), "{error}");
    assert!(!error.contains("tried"), "{error}");
}
