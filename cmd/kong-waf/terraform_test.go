package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/stretchr/testify/require"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// terraform is a parsed Terraform module: each block under the address by which others name it
// ("var.name", "aws_lb.gateway", "data.aws_subnet.public").
type terraform map[string]*hclsyntax.Body

func readTerraform(t *testing.T, folder string) (terraform, []*hclsyntax.Body) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(examples, folder, "*.tf"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	parser := hclparse.NewParser()
	module, bodies := terraform{}, []*hclsyntax.Body(nil)
	for _, file := range files {
		parsed, diagnostics := parser.ParseHCLFile(file)
		require.False(t, diagnostics.HasErrors(), diagnostics.Error())
		body := parsed.Body.(*hclsyntax.Body)
		bodies = append(bodies, body)
		for _, block := range body.Blocks {
			address := ""
			switch block.Type {
			case "resource":
				address = strings.Join(block.Labels, ".")
			case "variable":
				address = "var." + block.Labels[0]
			case "locals":
				for name := range block.Body.Attributes {
					module["local."+name] = block.Body
				}
				continue
			case "terraform":
				continue
			default:
				address = strings.Join(append([]string{block.Type}, block.Labels...), ".")
			}
			require.NotContains(t, module, address, "twice")
			module[address] = block.Body
		}
	}
	return module, bodies
}

// address is what a reference names: "var.x", "data.type.name" or "type.name".
func address(traversal hcl.Traversal) string {
	parts := []string{traversal.RootName()}
	for _, step := range traversal[1:] {
		attr, ok := step.(hcl.TraverseAttr)
		if !ok {
			break
		}
		parts = append(parts, attr.Name)
	}
	length := 2
	if parts[0] == "data" {
		length = 3
	}
	return strings.Join(parts[:min(length, len(parts))], ".")
}

// references calls visit for each reference in an expression anywhere below body.
func references(body *hclsyntax.Body, visit func(hcl.Traversal)) {
	for _, attribute := range body.Attributes {
		for _, traversal := range attribute.Expr.Variables() {
			visit(traversal)
		}
	}
	for _, block := range body.Blocks {
		references(block.Body, visit)
	}
}

// block returns the block at a path of block types below an address.
func (m terraform) block(t *testing.T, address string, path ...string) *hclsyntax.Body {
	t.Helper()
	body := m[address]
	require.NotNil(t, body, address)
	for _, step := range path {
		at := slices.IndexFunc(body.Blocks, func(b *hclsyntax.Block) bool { return b.Type == step })
		require.GreaterOrEqual(t, at, 0, "%s has no block %s", address, step)
		body = body.Blocks[at].Body
	}
	return body
}

// text is an attribute as it was written if it is a reference, else its value.
func text(t *testing.T, body *hclsyntax.Body, attribute string) string {
	t.Helper()
	a := body.Attributes[attribute]
	require.NotNil(t, a, attribute)
	if traversal, diagnostics := hcl.AbsTraversalForExpr(a.Expr); !diagnostics.HasErrors() && traversal.RootName() != "true" && traversal.RootName() != "false" {
		return address(traversal)
	}
	value, diagnostics := a.Expr.Value(nil)
	require.False(t, diagnostics.HasErrors(), diagnostics.Error())
	value, err := convert.Convert(value, cty.String)
	require.NoError(t, err)
	return value.AsString()
}

func TestTerraformReferences(t *testing.T) {
	module, bodies := readTerraform(t, "aws-ecs")
	used := map[string]bool{}
	for _, body := range bodies {
		references(body, func(traversal hcl.Traversal) {
			switch traversal.RootName() {
			case "each", "string", "number", "bool", "list":
				return // each.value, and the types of variables
			}
			name := address(traversal)
			require.Contains(t, module, name, "%s names what is in no file", traversal.SourceRange())
			used[name] = true
		})
	}
	for name := range module {
		if strings.HasPrefix(name, "var.") || strings.HasPrefix(name, "local.") || strings.HasPrefix(name, "data.") {
			require.True(t, used[name], "nothing uses %s", name)
		}
	}
}

// TestTerraform: what the README promises of the load balancer, the tasks and their rights.
func TestTerraform(t *testing.T) {
	module, _ := readTerraform(t, "aws-ecs")
	for _, row := range []struct {
		name, address string
		path          []string
		attribute     string
		want          string
	}{
		{name: "three tasks", address: "aws_ecs_service.gateway", attribute: "desired_count", want: "3"},
		{name: "in private subnets", address: "aws_ecs_service.gateway", path: []string{"network_configuration"}, attribute: "assign_public_ip", want: "false"},
		{name: "rolled back if unhealthy", address: "aws_ecs_service.gateway", path: []string{"deployment_circuit_breaker"}, attribute: "rollback", want: "true"},
		{name: "the health check's path", address: "aws_lb_target_group.gateway", path: []string{"health_check"}, attribute: "path", want: "local.health_path"},
		{name: "is ours", address: "local.health_path", attribute: "health_path", want: "/def-healthz"},
		{name: "and 200 alone is good", address: "aws_lb_target_group.gateway", path: []string{"health_check"}, attribute: "matcher", want: "200"},
		{name: "HTTP is redirected", address: "aws_lb_listener.http", path: []string{"default_action", "redirect"}, attribute: "protocol", want: "HTTPS"},
		{name: "for good", address: "aws_lb_listener.http", path: []string{"default_action", "redirect"}, attribute: "status_code", want: "HTTP_301"},
		{name: "TLS 1.2 at least", address: "aws_lb_listener.https", attribute: "ssl_policy", want: "ELBSecurityPolicy-TLS13-1-2-2021-06"},
		{name: "with your certificate", address: "aws_lb_listener.https", attribute: "certificate_arn", want: "var.certificate_arn"},
		{name: "the world does not ask for health", address: "aws_lb_listener_rule.no_health", path: []string{"action"}, attribute: "type", want: "fixed-response"},
		{name: "only the load balancer reaches Kong", address: "aws_vpc_security_group_ingress_rule.from_balancer", attribute: "referenced_security_group_id", want: "aws_security_group.balancer"},
		{name: "the task's own role", address: "aws_ecs_task_definition.gateway", attribute: "task_role_arn", want: "aws_iam_role.task"},
	} {
		t.Run(row.name, func(t *testing.T) {
			require.Equal(t, row.want, text(t, module.block(t, row.address, row.path...), row.attribute))
		})
	}

	t.Run("rights", func(t *testing.T) {
		for _, block := range module["data.aws_iam_policy_document.execution"].Blocks {
			actions, _ := block.Body.Attributes["actions"].Expr.Value(nil)
			for _, action := range actions.AsValueSlice() {
				require.NotContains(t, action.AsString(), "*")
				if action.AsString() == "ecr:GetAuthorizationToken" {
					continue
				}
				require.NotEmpty(t, block.Body.Attributes["resources"].Expr.Variables(), "%s on everything", action.AsString())
			}
		}
		for name, body := range module {
			if strings.HasPrefix(name, "aws_iam_role_policy.") {
				require.Equal(t, "aws_iam_role.execution", text(t, body, "role"), "the task itself may do nothing")
			}
			require.False(t, strings.HasPrefix(name, "aws_iam_role_policy_attachment."), "a policy of AWS's own is wider")
		}
	})

	t.Run("the key's value is in no file", func(t *testing.T) {
		for name := range module {
			require.False(t, strings.HasPrefix(name, "aws_secretsmanager_secret_version."))
		}
		tasks := readExample(t, "aws-ecs", "service.tf")
		require.Contains(t, tasks, `{ name = "PARTNER_KEY", valueFrom = aws_secretsmanager_secret.partner_key.arn }`)
		require.Contains(t, readExample(t, "aws-ecs", "kong.yml"), `"{vault://env/partner-key}"`)
	})
}

// TestTerraformFormat: as `terraform fmt` writes it, by its library and, where there is one, by
// Terraform itself.
func TestTerraformFormat(t *testing.T) {
	folder := filepath.Join(examples, "aws-ecs")
	files, err := filepath.Glob(filepath.Join(folder, "*.tf"))
	require.NoError(t, err)
	for _, file := range files {
		written, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(hclwrite.Format(written)), string(written), file)
	}
	if program, err := exec.LookPath("terraform"); err == nil {
		out, err := exec.Command(program, "fmt", "-check", "-diff", folder).CombinedOutput()
		require.NoError(t, err, string(out))
	}
}
