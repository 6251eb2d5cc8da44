// Package extract takes a request apart: it finds every value in it and hands each one
// out with its place, undoing the containers around it (compression, charset, multipart,
// JSON, XML, GraphQL, protobuf, ...) but none of the value's own encodings. Percent signs,
// base64 and HTML entities inside a value are the engine's business, which comes back with
// Nested when decoding uncovers another container.
//
// It judges no value. It does report what is wrong with the request itself: ambiguous or
// malformed HTTP and abusive GraphQL documents (Walker.Anomalies).
//
// The parsers are tolerant on purpose. Attackers send what a lenient back end accepts and a
// strict parser refuses, so nothing here rejects input: what does not parse is handed out as
// raw text. A body whose declared format and looks disagree is read both ways.
//
// A body may be larger than what is held of it (Limits.MaxBody). The structure of forms,
// multipart bodies, JSON and XML is walked to its end all the same, in windows (large.go), and
// so is what a coding hides. Of the content that is long there only the ends are handed out;
// what was passed over is counted (Walker.Skipped).
//
// Security limits: every parser works under limits on bytes and nesting (Limits) and on the
// work of all together (Walker.Work), costs time linear in its input, and never panics. What
// a limit keeps from being handed out is reported. What is packed so that it cannot be read,
// while the application could, is a finding.
// Of zip archives, which office documents are too, the names and the document types of XML
// members are looked at (zip.go). Encrypted payloads, images, other archives and documents are
// not opened; runs of printable text in them are handed out.
package extract
