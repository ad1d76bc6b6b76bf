"""The door to vCloud Director and to the guests behind vCenter; nothing else imports pyvcloud or pyVmomi."""
