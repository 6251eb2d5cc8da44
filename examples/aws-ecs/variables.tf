variable "region" {
  description = "Where everything is."
  type        = string
  default     = "eu-central-1"
}

variable "name" {
  description = "Prefix of every name."
  type        = string
  default     = "kong-waf"
}

variable "image" {
  description = "The gateway's image in the repository below, with its tag or digest."
  type        = string
}

variable "repository" {
  description = "Name of the ECR repository that holds the image: the only one that a task may pull from."
  type        = string
  default     = "kong-waf"
}

variable "vpc_id" {
  description = "The network."
  type        = string
}

variable "public_subnet_ids" {
  description = "Subnets of the load balancer, in at least two zones."
  type        = list(string)
}

variable "private_subnet_ids" {
  description = "Subnets of the tasks. They reach ECR, Secrets Manager and CloudWatch through a NAT gateway or endpoints."
  type        = list(string)
}

variable "certificate_arn" {
  description = "The certificate of the API's host name, in ACM."
  type        = string
}

variable "cpu" {
  description = "CPU units of a task. One vCPU runs Kong with one nginx worker and the plugin server beside it."
  type        = number
  default     = 1024
}

variable "memory" {
  description = "MiB of a task. The plugin server stays below 100 MB with few clients and below 512 MB with a million of them; the rest is Kong's."
  type        = number
  default     = 2048
}
