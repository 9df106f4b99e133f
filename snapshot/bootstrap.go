package snapshot

// XDSCluster is the name of the static cluster that reaches Serin, in every
// bootstrap.
const XDSCluster = "serin"
