#!/usr/bin/perl
# Process 1 of a sandbox. It starts one program, reports that program's exit code on a descriptor as soon as it is
# known, and stays while anything runs that the program left behind, as the init of a real machine would.
#
# Before that it makes sure that the directories of other machines are those that were meant. What was not mounted,
# because the other machine was deleted at that moment, is just not there.
#
#   init.pl DESCRIPTOR SETRLIMIT-NUMBER RESOURCE=VALUE,… PATH=DEVICE:INODE,… PROGRAM ARGUMENT…
use strict;

my ($descriptor, $setrlimit, $limits, $directories, @program) = @ARGV;
for my $directory (split /,/, $directories) {
    my ($path, $identity) = split /=/, $directory;
    my ($device, $inode) = stat $path or next;
    exit 126 if "$device:$inode" ne $identity;
}
open(my $report, '>&=', $descriptor) or die "no descriptor $descriptor: $!";
for my $limit (split /,/, $limits) {
    my ($resource, $value) = split /=/, $limit;
    syscall($setrlimit, int $resource, pack('QQ', $value, $value));
}
my $child = fork;
if ($child == 0) {
    exec { $program[0] } @program;
    exit 127;
}
while ((my $ended = wait) > 0) {
    next if $ended != $child;
    my $code = $? & 127 ? 128 + ($? & 127) : $? >> 8;
    syswrite($report, "$code\n");
    close $report;
}
