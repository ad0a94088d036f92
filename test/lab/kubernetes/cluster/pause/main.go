// pause is the process that keeps a pod's namespaces while its containers come and go.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// The tag of the image that it stands in for, as `kubeadm config images list` names it.
const version = "3.10.2"

func main() {
	if len(os.Args) > 1 {
		fmt.Println("pause", version)
		return
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGCHLD, syscall.SIGINT, syscall.SIGTERM)
	for s := range signals {
		if s != syscall.SIGCHLD {
			return
		}
		// Signals of several children merge into one. In a shared process namespace their parents' orphans come here, too.
		for {
			if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 && err != syscall.EINTR {
				break
			}
		}
	}
}
