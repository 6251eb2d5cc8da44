terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.60"
    }
  }
}

provider "aws" {
  region = var.region
}

locals {
  proxy_port  = 8000
  health_path = "/def-healthz"
}

data "aws_caller_identity" "current" {}

data "aws_ecr_repository" "gateway" {
  name = var.repository
}

data "aws_subnet" "public" {
  for_each = toset(var.public_subnet_ids)
  id       = each.value
}

# Its value is written by hand, once (see README.md): so it is in no file and in no state.
resource "aws_secretsmanager_secret" "partner_key" {
  name        = "${var.name}/partner-key"
  description = "The API key of the consumer partner."
}

resource "aws_cloudwatch_log_group" "gateway" {
  name              = "/ecs/${var.name}"
  retention_in_days = 30
}
