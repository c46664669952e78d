// SPDX-License-Identifier: GPL-3.0-or-later

// Command node is every component of the embedded Kubernetes node in one
// binary: what it runs as is decided by the name it is started with.
//
// One binary shares the Kubernetes packages between five components and the
// DNS server, which saves about four fifths of the link time and of the disk.
// Each component reads os.Args[0] again for its own usage and logs, so it is
// started through a link of the component's name, not with a subcommand.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/ready"
	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

// kubernetes runs a component that is a cobra command.
func kubernetes(command func() *cobra.Command) func() {
	return func() { os.Exit(cli.Run(command())) }
}

// components maps the name the binary is started with to what it then is.
var components = map[string]func(){
	"kube-apiserver":          kubernetes(apiserver.NewAPIServerCommand),
	"kube-controller-manager": kubernetes(controllermanager.NewControllerManagerCommand),
	"kube-scheduler":          kubernetes(func() *cobra.Command { return scheduler.NewSchedulerCommand() }),
	"kube-proxy":              kubernetes(proxy.NewProxyCommand),
	// The kubelet sets up the signal handler itself; a context that already
	// has one makes it panic, so it gets a plain background context.
	"kubelet": kubernetes(func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) }),
	"etcd":    func() { etcdmain.Main(os.Args) },
	"coredns": func() {
		// The order in which plugins see a query; only those imported above.
		dnsserver.Directives = []string{"bind", "ready", "errors", "cache", "kubernetes"}
		coremain.Run()
	},
}

func main() {
	name := filepath.Base(os.Args[0])
	run, known := components[name]
	if !known {
		names := make([]string, 0, len(components))
		for component := range components {
			names = append(names, component)
		}
		slices.Sort(names)
		fmt.Fprintf(os.Stderr, "%s: started as %q, which is no component of the node; "+
			"start it through a link named one of: %s\n", os.Args[0], name, strings.Join(names, ", "))
		os.Exit(2)
	}
	run()
}
