# How many attacks were seen, blocked or only reported: a metric of the log's lines that hold both
# words, for a graph or an alarm.

resource "aws_cloudwatch_log_metric_filter" "attacks" {
  name           = "${var.name}-attacks"
  log_group_name = aws_cloudwatch_log_group.gateway.name
  pattern        = "\"kong_waf.verdict\" \"attack\""

  metric_transformation {
    namespace = var.name
    name      = "Attacks"
    value     = "1"
    unit      = "Count"
  }
}
