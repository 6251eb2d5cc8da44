output "address" {
  description = "Where the API's DNS record points."
  value       = aws_lb.gateway.dns_name
}

output "secret" {
  description = "Where the partner's key is to be written."
  value       = aws_secretsmanager_secret.partner_key.name
}
