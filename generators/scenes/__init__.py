"""What stands around a plate: camera, light, backgrounds, vehicles, look-alikes, blending."""
