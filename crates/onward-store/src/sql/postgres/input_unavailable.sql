UPDATE onward.inputs SET available = false WHERE id = $1
