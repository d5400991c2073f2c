//! What the SDK's own code is measured beside, by the crates that filters in Rust use.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use p256::ecdsa::signature::Verifier as _;
use rsa::{BigUint, RsaPublicKey, signature::Verifier as _};
use sha2::Digest as _;

static mut INPUT: Vec<u8> = Vec::new();
static mut OUTPUT: Vec<u8> = Vec::new();
static mut REGEX: Option<regex::bytes::Regex> = None;
static mut RSA: Option<rsa::pkcs1v15::VerifyingKey<rsa::sha2::Sha256>> = None;
static mut P256: Option<p256::ecdsa::VerifyingKey> = None;
static mut ED25519: Option<ed25519_dalek::VerifyingKey> = None;

/// Room for `size` bytes of input.
#[unsafe(no_mangle)]
#[allow(static_mut_refs)]
pub extern "C" fn input(size: usize) -> *mut u8 {
    unsafe {
        INPUT.resize(size, 0);
        OUTPUT.resize(size * 2, 0);
        INPUT.as_mut_ptr()
    }
}

/// Takes what is in the input for a pattern, or a public key.
#[unsafe(no_mangle)]
#[allow(static_mut_refs)]
pub extern "C" fn prepare(kernel: u32) {
    unsafe {
        let bytes = &INPUT[..];
        match kernel {
            5 => REGEX = Some(regex::bytes::Regex::new(&format!("^(?:{})$", std::str::from_utf8(bytes).unwrap())).unwrap()),
            6 => {
                let key = RsaPublicKey::new(BigUint::from_bytes_be(bytes), BigUint::from(65537u32)).unwrap();
                RSA = Some(rsa::pkcs1v15::VerifyingKey::new(key));
            }
            7 => P256 = Some(p256::ecdsa::VerifyingKey::from_sec1_bytes(bytes).unwrap()),
            _ => ED25519 = Some(ed25519_dalek::VerifyingKey::from_bytes(bytes.try_into().unwrap()).unwrap()),
        }
    }
}

/// Does it so often; a number that tells whether it did.
#[unsafe(no_mangle)]
#[allow(static_mut_refs)]
pub extern "C" fn run(kernel: u32, times: u32) -> u32 {
    let (bytes, output) = unsafe { (&INPUT[..], &mut OUTPUT[..]) };
    let mut sum = 0u32;
    for _ in 0..times {
        sum = sum.wrapping_add(std::hint::black_box(once(kernel, std::hint::black_box(bytes), output)));
    }
    sum
}

/// Bytes of the message in front of a signature.
const MESSAGE: usize = 32;

#[allow(static_mut_refs)]
fn once(kernel: u32, bytes: &[u8], output: &mut [u8]) -> u32 {
    match kernel {
        0 => sha2::Sha256::digest(bytes)[0] as u32,
        1 => URL_SAFE_NO_PAD.encode_slice(bytes, output).unwrap() as u32,
        2 => URL_SAFE_NO_PAD.decode_slice(bytes, output).unwrap() as u32,
        3 => {
            let document: serde_json::Value = serde_json::from_slice(bytes).unwrap();
            document["sub"].as_str().unwrap().len() as u32
        }
        4 => simdutf8::basic::from_utf8(bytes).is_ok() as u32,
        5 => unsafe { REGEX.as_ref() }.unwrap().is_match(bytes) as u32,
        6 => {
            let signature = rsa::pkcs1v15::Signature::try_from(&bytes[MESSAGE..]).unwrap();
            unsafe { RSA.as_ref() }.unwrap().verify(&bytes[..MESSAGE], &signature).is_ok() as u32
        }
        7 => {
            let signature = p256::ecdsa::Signature::from_slice(&bytes[MESSAGE..]).unwrap();
            unsafe { P256.as_ref() }.unwrap().verify(&bytes[..MESSAGE], &signature).is_ok() as u32
        }
        _ => {
            let signature = ed25519_dalek::Signature::from_slice(&bytes[MESSAGE..]).unwrap();
            unsafe { ED25519.as_ref() }.unwrap().verify(&bytes[..MESSAGE], &signature).is_ok() as u32
        }
    }
}
