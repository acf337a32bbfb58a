"""Float64 kernels that keep to the order of every sum, for results that have to be the same bits as another's."""
