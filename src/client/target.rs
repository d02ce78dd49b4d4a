//! Where a service listens, and how far the way to it is trusted.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Uri};

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a silent connection is asked whether it still stands.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// Where systems keep the certificates that they trust, as one PEM file.
const SYSTEM_ROOTS: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Why no connection is tried.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The text is no URL of a service.
    #[error("a server is written http://HOST:PORT or https://HOST[:PORT]; not {text:?}")]
    Form {
        /// The text as given.
        text: String,
    },
    /// Whatever is sent could be read and changed on the way.
    #[error("{host} is not this machine, and http is neither secret nor safe from changes")]
    Plain {
        /// The host.
        host: String,
    },
    /// The file with certificates cannot be read.
    #[error("the certificates in {} cannot be read", .path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// This system keeps its certificates elsewhere.
    #[error("no file with the certificates that this system trusts was found; name one")]
    NoCertificates,
    /// The certificates are of no use.
    #[error("TLS cannot be set up with these certificates")]
    Tls(#[source] tonic::transport::Error),
}

/// The address of a service with what is needed to trust it.
#[derive(Debug, Clone)]
pub struct Target {
    url: String,
    endpoint: Endpoint,
}

impl Target {
    /// Checks an address and reads the certificates that it needs.
    ///
    /// Plain http is for this machine only, unless `insecure`. `ca` is a PEM file of certificates
    /// to trust instead of those that the system trusts.
    ///
    /// # Errors
    /// See [`TargetError`].
    pub fn new(url: &str, ca: Option<&Path>, insecure: bool) -> Result<Self, TargetError> {
        let form = || TargetError::Form {
            text: url.chars().take(200).collect(),
        };
        let uri: Uri = url.trim_end_matches('/').parse().map_err(|_| form())?;
        let host = uri.host().filter(|host| !host.is_empty());
        let host = host.ok_or_else(form)?.to_owned();
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(form());
        }
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") if insecure || is_loopback(&host) => false,
            Some("http") => return Err(TargetError::Plain { host }),
            _ => return Err(form()),
        };
        let mut endpoint = Endpoint::from(uri)
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .tcp_nodelay(true);
        if tls {
            let roots = Certificate::from_pem(certificates(ca)?);
            let config = ClientTlsConfig::new().ca_certificate(roots);
            endpoint = endpoint.tls_config(config).map_err(TargetError::Tls)?;
        }
        Ok(Self {
            url: url.to_owned(),
            endpoint,
        })
    }

    /// Returns the address as it was given.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }
}

fn certificates(ca: Option<&Path>) -> Result<Vec<u8>, TargetError> {
    let path = match ca {
        Some(path) => path,
        None => SYSTEM_ROOTS
            .iter()
            .map(Path::new)
            .find(|path| path.is_file())
            .ok_or(TargetError::NoCertificates)?,
    };
    std::fs::read(path).map_err(|source| TargetError::Certificates {
        path: path.to_owned(),
        source,
    })
}

/// Tells whether a host is this machine by its very form; no name is resolved for it.
fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str, insecure: bool) -> Option<String> {
        let target = Target::new(url, None, insecure);
        target.err().map(|error| error.to_string())
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        for near in [
            "http://127.0.0.1:7411",
            "http://localhost:1/",
            "http://[::1]:80",
        ] {
            assert_eq!(refusal(near, false), None, "{near}");
        }
        for far in [
            "http://10.0.0.1:80",
            "http://localhost.example:80",
            "http://128.0.0.1",
        ] {
            let said = refusal(far, false).unwrap();
            assert!(said.contains("is not this machine"), "{said}");
            assert_eq!(refusal(far, true), None);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in [
            "",
            "localhost:80",
            "ftp://localhost",
            "http://",
            "http://localhost/path",
            "http://localhost?x",
            "nonsense",
        ] {
            let said = refusal(bad, true).unwrap();
            assert!(said.starts_with("a server is written"), "{bad}: {said}");
        }
    }

    #[test]
    fn a_missing_file_of_certificates_is_named() {
        let missing = Path::new("no/such/ca.pem");
        let error = Target::new("https://ledger.example", Some(missing), false).unwrap_err();
        let said = error.to_string();
        assert_eq!(said, "the certificates in no/such/ca.pem cannot be read");
    }
}
