// Serves the Terraform provider for Docker under the names of Pulumi's Docker package, so that the pulumi_docker SDK works
// where the vendor's own plugin cannot be downloaded. Not in it: docker.Image, which is native to the vendor's plugin.
package main

import (
	"fmt"
	"os"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/tokens"
	shim "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/terraform-providers/terraform-provider-docker/internal/provider"
)

const longestName = 255

// The release of the SDK that this plugin answers for; set by the linker.
var version = "0.0.0-dev"

func dockerPackage() (tfbridge.ProviderInfo, error) {
	info := tfbridge.ProviderInfo{
		P:            shim.NewProvider(provider.New(version)()),
		Name:         "docker",
		Version:      version,
		MetadataInfo: tfbridge.NewProviderMetadata([]byte("{}")),
		Config: map[string]*tfbridge.SchemaInfo{
			// The SDK sends the daemon's address and the registries under these names.
			"host": {Default: &tfbridge.DefaultInfo{
				EnvVars: []string{"DOCKER_HOST"},
				Value:   "unix:///var/run/docker.sock",
			}},
			"registry_auth": {Name: "registryAuth", MaxItemsOne: tfbridge.False()},
		},
		Resources: map[string]*tfbridge.ResourceInfo{
			// The two whose name in Pulumi is not that in Terraform.
			"docker_image":  {Tok: "docker:index/remoteImage:RemoteImage"},
			"docker_config": {Tok: "docker:index/serviceConfig:ServiceConfig"},
			"docker_container": {
				Tok:                 "docker:index/container:Container",
				DeleteBeforeReplace: true, // its name and its ports are taken until it is gone
				Fields: map[string]*tfbridge.SchemaInfo{
					// Lists, but singular in the SDK.
					"command":           {Name: "command"},
					"networks_advanced": {Name: "networksAdvanced"},
				},
			},
		},
		DataSources: map[string]*tfbridge.DataSourceInfo{
			"docker_image": {Tok: "docker:index/getRemoteImage:getRemoteImage"},
		},
	}
	err := info.ComputeTokens(tokens.SingleModule("docker_", "index", tokens.MakeStandard(info.Name)))
	info.SetAutonaming(longestName, "-")

	return info, err
}

func main() {
	info, err := dockerPackage()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	tfbridge.Main(info.Name, version, info, nil)
}
