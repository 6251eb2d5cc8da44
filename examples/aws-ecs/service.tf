resource "aws_ecs_cluster" "gateway" {
  name = var.name

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_ecs_task_definition" "gateway" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn

  container_definitions = jsonencode([{
    name         = "gateway"
    image        = var.image
    essential    = true
    stopTimeout  = 60
    portMappings = [{ containerPort = local.proxy_port, protocol = "tcp" }]

    environment = [
      { name = "KONG_PROXY_LISTEN", value = "0.0.0.0:${local.proxy_port}" },
      { name = "KONG_ADMIN_LISTEN", value = "off" },
      { name = "KONG_NGINX_WORKER_PROCESSES", value = "1" },
      # The client's address and protocol, from the load balancer and from nobody else.
      { name = "KONG_TRUSTED_IPS", value = join(",", [for s in data.aws_subnet.public : s.cidr_block]) },
      { name = "KONG_REAL_IP_HEADER", value = "X-Forwarded-For" },
      { name = "KONG_REAL_IP_RECURSIVE", value = "on" },
      # Events as JSON lines in the container's log, and in no file.
      { name = "KONG_WAF_EVENTS_STDOUT", value = "true" },
      { name = "KONG_WAF_EVENTS_FILE", value = "off" },
    ]

    secrets = [
      { name = "PARTNER_KEY", valueFrom = aws_secretsmanager_secret.partner_key.arn },
    ]

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        "awslogs-group"         = aws_cloudwatch_log_group.gateway.name
        "awslogs-region"        = var.region
        "awslogs-stream-prefix" = "gateway"
      }
    }
  }])
}

resource "aws_ecs_service" "gateway" {
  name                              = var.name
  cluster                           = aws_ecs_cluster.gateway.id
  task_definition                   = aws_ecs_task_definition.gateway.arn
  launch_type                       = "FARGATE"
  desired_count                     = 3
  health_check_grace_period_seconds = 60

  network_configuration {
    subnets          = var.private_subnet_ids
    security_groups  = [aws_security_group.gateway.id]
    assign_public_ip = false
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.gateway.arn
    container_name   = "gateway"
    container_port   = local.proxy_port
  }

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  depends_on = [aws_lb_listener.https, aws_iam_role_policy.execution]
}
