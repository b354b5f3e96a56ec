//go:build !wtsim_record

package autoprobe

// install does nothing: whoever builds this in without wtsim build --record calls
// [Auto.RoundTrip], [Auto.Serve] and [Auto.Watch] itself.
func install(*Auto) (early uint32) { return 0 }
