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
// Security limits: every parser works under limits on bytes, leaves and nesting (Limits),
// costs time linear in its input, and never panics. What a limit keeps from being handed out
// value by value is handed out in bulk as raw text where bytes allow, and always reported.
// Encrypted payloads, archives (zip, tar), images and documents are not opened; runs of
// printable text in them are handed out.
package extract
